import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Recording } from '../../../src/core/ports.ts';
import { deleteTenant } from '../../../src/core/tenants/mutations.ts';
import { hourOf } from '../../../src/core/usage/gauge.ts';
import { marshalItem } from '../../../src/runtime/wire/marshal.ts';
import { free, pro } from '../../fixtures/tenants.ts';
import { openStoreOnEngine, type StoreOnEngine } from '../engine.ts';
import type { Fault } from '../proxy.ts';
import { apply, makeTenant } from '../tenancy.ts';

let on: StoreOnEngine;
beforeAll(async () => {
  on = await openStoreOnEngine();
});
afterEach(() => {
  on.proxy.rule = () => undefined;
});
afterAll(() => on.close());

const NOW = Date.parse('2026-11-22T12:00:00Z');
const DAY = 86_400_000;

/** The coming writes fare as told. */
function writes(...faults: (Fault | undefined)[]): void {
  on.proxy.rule = ({ operation }) =>
    operation === 'TransactWriteItems' || operation === 'UpdateItem' ? faults.shift() : undefined;
}

const recording = (tenantId: string, id: string, amount = 3): Recording => ({
  tenantId,
  mark: { id, what: `exports ${amount}`, by: randomUUID() },
  lines: [{ metric: 'exports', amount, day: '2026-11-22' }],
  dedupeDays: 34,
  audit: {
    id: randomUUID(),
    at: new Date(NOW).toISOString(),
    actor: 'test',
    action: 'usage.record',
    tenantId,
    keyId: null,
    changes: [],
    requestId: 'req_test',
  },
  now: NOW,
});
const exportsOf = async (tenantId: string) =>
  (await on.store.usage(tenantId, '2026-11-22', '2026-11-22'))[0]?.amount;
const audits = async (tenantId: string) => {
  const query = { tenantId, since: '2026-11-22', until: '2026-11-23', limit: null, after: null };
  const found = [];
  for await (const one of on.store.audit(query).items) found.push(one);
  return found.length;
};

describe('recording', () => {
  it('counts and is traced once, whatever becomes of the answers', async () => {
    const one = recording('rec', 'a');
    writes('throttle', 'conflict', 'cut', 'half answer');
    expect(await on.store.record(one)).toBe('recorded');
    expect(await on.store.record(recording('rec', 'a'))).toBe('duplicate');
    await expect(on.store.record(recording('rec', 'a', 4))).rejects.toMatchObject({ code: 'event_conflict' });
    expect(await exportsOf('rec')).toBe(3);
    expect(await audits('rec')).toBe(1);
    expect(await on.store.recorded('rec', 'a', NOW)).toBe('exports 3');
    expect(await on.store.recorded('rec', 'a', NOW + 34 * DAY)).toBeNull();
    expect(await on.store.recorded('rec', 'b', NOW)).toBeNull();
  });

  it('in lasting doubt says so', async () => {
    writes('lose answer', 'cut', 'cut', 'cut', 'cut');
    await expect(on.store.record(recording('doubt', 'a'))).rejects.toMatchObject({
      code: 'write_ambiguous',
      retryable: true,
    });
    writes();
    expect(await on.store.record(recording('doubt', 'a'))).toBe('duplicate');
    expect(await exportsOf('doubt')).toBe(3);
  });

  it.each<[string, Fault[]]>([
    ['denied', ['denied']],
    ['cut off, then denied', ['cut', 'denied']],
    ['throttled, then denied', ['throttle', 'denied']],
  ])('stays in doubt when a later try is %s', async (what, later) => {
    const tenantId = `doubt-${what.replaceAll(/[^a-z]+/g, '-')}`;
    writes('lose answer', ...later);
    await expect(on.store.record(recording(tenantId, 'a'))).rejects.toMatchObject({
      code: 'write_ambiguous',
    });
    writes();
    expect(await on.store.record(recording(tenantId, 'a'))).toBe('duplicate');
    expect(await exportsOf(tenantId)).toBe(3);
  });

  it('stays in doubt when a later try finds the counter full', async () => {
    await on.store.record(recording('full', 'a', Number.MAX_SAFE_INTEGER));
    writes('cut');
    await expect(on.store.record(recording('full', 'b', 1))).rejects.toMatchObject({
      code: 'write_ambiguous',
    });
    await expect(on.store.record(recording('full', 'b', 1))).rejects.toMatchObject({ code: 'counter_full' });
  });
});

describe('folding', () => {
  const put = (tenantId: string, u: Record<string, number>) =>
    on.wire.send('UpdateItem', {
      TableName: 'local-gates',
      Key: marshalItem({ PK: `GATE#${tenantId}` }),
      UpdateExpression: 'SET u = :u',
      ExpressionAttributeValues: marshalItem({ ':u': u }),
    });

  it('moves every old day, also more than one plan holds, and nothing else', async () => {
    await makeTenant(on.store, 'old', pro, NOW);
    const days = Array.from({ length: 40 }, (_, i) => new Date(NOW - i * DAY).toISOString().slice(0, 10));
    await put(
      'old',
      Object.fromEntries(
        days.flatMap((day, i) => [
          [day, i + 1],
          [`${day}.c`, 1000],
        ]),
      ),
    );
    await on.store.fold('old', NOW);
    expect(Object.keys((await on.store.gate('old'))?.u ?? {}).sort()).toEqual([
      '2026-11-21',
      '2026-11-21.c',
      '2026-11-22',
      '2026-11-22.c',
    ]);
    const folded = await on.store.usage('old', '2026-01-01', '2026-12-31');
    const sum = (of: string) =>
      folded.reduce((all, { metric, amount }) => all + (metric === of ? amount : 0), 0);
    expect(sum('api_calls')).toBe((40 * 41) / 2 - 1 - 2);
    expect(sum('compute_seconds')).toBe(38_000);
  });

  it('among several at once and lost answers moves each day once', async () => {
    await makeTenant(on.store, 'race', pro, NOW);
    await put('race', { '2026-11-18': 5, '2026-11-19': 7 });
    writes('lose answer', undefined, 'conflict');
    await Promise.all([1, 2, 3, 4].map(() => on.store.fold('race', NOW)));
    const folded = await on.store.usage('race', '2026-11-01', '2026-11-30');
    expect(folded.map(({ day, amount }) => [day, amount])).toEqual([
      ['2026-11-18', 5],
      ['2026-11-19', 7],
    ]);
  });

  it('of nothing reads the gate and writes nothing', async () => {
    await makeTenant(on.store, 'new', free, NOW);
    on.proxy.calls.length = 0;
    await on.store.fold('new', NOW);
    await on.store.fold('nobody', NOW);
    expect(on.proxy.operations()).toEqual(['GetItem', 'GetItem']);
  });
});

describe('sampling', () => {
  const gauge = (tenantId: string, level: number) =>
    on.wire.send('PutItem', {
      TableName: 'local-usage-meters',
      Item: marshalItem({
        PK: `TENANT#${tenantId}`,
        SK: 'GAUGE#storage_bytes',
        level,
        day: '2026-11-22',
        below: 0,
        since: hourOf(NOW),
      }),
    });

  it('counts level × hours, one plain write a day, once an hour however often it runs', async () => {
    await gauge('bytes', 100);
    on.proxy.calls.length = 0;
    writes('lose answer');
    await Promise.all([1, 2, 3].map(() => on.store.sampleGauges('bytes', NOW)));
    expect(on.proxy.operations()).not.toContain('TransactWriteItems');
    await gauge('bytes', 300);
    await on.store.sampleGauges('bytes', NOW + 3_600_000);
    expect(await on.store.gauges('bytes')).toMatchObject([{ metric: 'storage_bytes', level: 300 }]);
    expect(await on.store.usage('bytes', '2026-11-22', '2026-11-22')).toEqual([
      { day: '2026-11-22', metric: 'storage_bytes', amount: 400, max: 300, through: 14 },
    ]);
  });

  it('ends with the tenant: what a deleted one still holds is nobody’s to pay', async () => {
    const tenant = await makeTenant(on.store, 'gone', pro, NOW);
    await gauge('gone', 100);
    await on.store.sampleGauges('gone', NOW);
    await apply(on.store, deleteTenant(tenant, NOW), NOW);
    await on.store.sampleGauges('gone', NOW + 5 * 3_600_000);
    expect(await on.store.usage('gone', '2026-11-22', '2026-11-22')).toMatchObject([
      { amount: 100, through: 13 },
    ]);
  });

  it('costs a tenant without gauges one read', async () => {
    on.proxy.calls.length = 0;
    await on.store.sampleGauges('none', NOW);
    expect(on.proxy.operations()).toEqual(['Query']);
  });
});
