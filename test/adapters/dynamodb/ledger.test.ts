import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { documentClient } from '../../../src/adapters/dynamodb/client.ts';
import { ledgerStore } from '../../../src/adapters/dynamodb/ledger-store.ts';
import { correctionAudit, planCorrection } from '../../../src/core/billing/correct.ts';
import {
  commit,
  flagged,
  type LedgerRow,
  type LedgerScope,
  mark,
  newRow,
  plan,
  rowId,
} from '../../../src/core/billing/ledger.ts';
import type { LedgerStore, Listed } from '../../../src/core/billing/ports.ts';
import type { Meter, Sink, UsageEvent } from '../../../src/core/billing/sink.ts';
import { syncUsage } from '../../../src/core/billing/sync.ts';
import { gatePk } from '../../../src/core/gate/layout.ts';
import { createTenant } from '../../../src/core/tenants/mutations.ts';
import { dayOf } from '../../../src/core/time.ts';
import { marshalItem } from '../../../src/runtime/wire/marshal.ts';
import { pro } from '../../fixtures/tenants.ts';
import { openStoreOnEngine, type StoreOnEngine } from '../engine.ts';
import type { Fault } from '../proxy.ts';
import { apply, CREDENTIALS, REGION, STACK } from '../tenancy.ts';

const SCOPE: LedgerScope = { stack: STACK, sink: 'stripe', account: 'acct_1', mode: 'test' };
const NOW = Date.UTC(2026, 10, 22, 12);
const TODAY = dayOf(NOW);
const CALLS: Meter = { metric: 'api_calls', eventName: 'api_calls', measure: 'sum', scale: 0 };

let on: StoreOnEngine;
let ledger: LedgerStore;
let closeClients: () => void;

beforeAll(async () => {
  on = await openStoreOnEngine();
  const settings = { region: REGION, endpoint: on.proxy.endpoint, credentials: CREDENTIALS };
  const [client, writer] = [3, 1].map((tries) =>
    documentClient({ ...settings, awsProfile: null, trace: null }, tries),
  );
  if (client === undefined || writer === undefined) throw new Error('no clients');
  ledger = ledgerStore(client, () => writer, STACK);
  closeClients = () => {
    client.destroy();
    writer.destroy();
  };
});
afterAll(async () => {
  closeClients();
  await on.close();
});
beforeEach(() => {
  on.proxy.rule = () => undefined;
  on.proxy.calls.length = 0;
});

const key = (tenantId = randomUUID().slice(0, 8), day = TODAY) => ({ tenantId, eventName: 'api_calls', day });
const first = (row: LedgerRow, delta = 5): LedgerRow => ({
  ...mark(plan(row, delta, { id: `sc_${row.tenantId}`, customer: 'cus_1' }, NOW), 'run', NOW),
  rev: row.rev + 1,
});
const stored = async (row: LedgerRow): Promise<LedgerRow | undefined> =>
  (await ledger.rows(SCOPE, [row])).get(rowId(row));

/** The fault meets the first write alone. */
const once = (fault: Fault) => {
  let met = false;
  on.proxy.rule = ({ operation }) => {
    if (operation !== 'TransactWriteItems' || met) return undefined;
    met = true;
    return fault;
  };
};

describe('rows', () => {
  it('come back as they were written', async () => {
    const row = first(newRow(key()));
    const noted = {
      ...flagged(commit(row, NOW), { code: 'drift', message: 'm', there: 7 }, NOW),
      rev: 2,
      carriedIn: 3,
    };
    expect(await ledger.write(SCOPE, [[row]])).toEqual(['applied']);
    expect(await stored(row)).toEqual(row);
    expect(await ledger.write(SCOPE, [[noted]])).toEqual(['applied']);
    expect(await stored(row)).toEqual(noted);
    const span = { tenantId: row.tenantId, first: TODAY, last: TODAY, consistent: true };
    expect(await ledger.rowsOf(SCOPE, { ...span, eventName: null })).toEqual([noted]);
    expect(await ledger.rowsOf(SCOPE, { ...span, eventName: 'api_calls' })).toEqual([noted]);
    expect(
      await ledger.rowsOf(SCOPE, { ...span, eventName: null, first: '2026-11-23', last: '2026-11-23' }),
    ).toEqual([]);
    expect((await ledger.rows({ ...SCOPE, mode: 'live' }, [row])).size).toBe(0);
  });

  it('are written a hundred to a transaction, and one that somebody else wrote stops none of the others', async () => {
    const rows = Array.from({ length: 150 }, () => first(newRow(key())));
    const taken = rows[40] as LedgerRow;
    await ledger.write(SCOPE, [[taken]]);
    on.proxy.calls.length = 0;
    const answers = await ledger.write(
      SCOPE,
      rows.map((row) => [row]),
    );
    expect(answers.filter((answer) => answer === 'stale')).toHaveLength(1);
    expect(answers[40]).toBe('stale');
    expect(on.proxy.operations()).toEqual(['TransactWriteItems', 'TransactWriteItems', 'TransactWriteItems']);
    expect((await ledger.rows(SCOPE, rows)).size).toBe(150);
  });

  it('of one group are written together or not at all', async () => {
    const [one, two] = [first(newRow(key())), first(newRow(key()))];
    await ledger.write(SCOPE, [[two]]);
    expect(await ledger.write(SCOPE, [[one, two]])).toEqual(['stale']);
    expect(await stored(one)).toBeUndefined();
  });

  it.each(['lose answer', 'half answer', 'cut', 'throttle', 'conflict'] as const)(
    'are written once when a write meets: %s',
    async (fault) => {
      const row = first(newRow(key()));
      once(fault);
      expect(await ledger.write(SCOPE, [[row]])).toEqual(['applied']);
      expect(await stored(row)).toEqual(row);
    },
  );

  it('are stale when another run was faster than the write whose answer was lost', async () => {
    const row = first(newRow(key()));
    const other = { ...row, inflight: null, confirmed: 1 };
    let writes = 0;
    on.proxy.rule = async ({ operation }) => {
      if (operation !== 'TransactWriteItems' || ++writes > 1) return undefined;
      expect(await ledger.write(SCOPE, [[other]])).toEqual(['applied']);
      return 'cut';
    };
    expect(await ledger.write(SCOPE, [[row]])).toEqual(['stale']);
    expect((await stored(row))?.confirmed).toBe(1);
  });
});

it('a correction and its audit entry are written together, and the head goes', async () => {
  const tenantId = randomUUID().slice(0, 8);
  const row = first(newRow(key(tenantId)));
  await ledger.write(SCOPE, [[row]]);
  await ledger.keepHeads(SCOPE, [
    { tenantId, swept: TODAY, settled: { api_calls: { [TODAY]: 5 } }, open: [] },
  ]);
  const correction = planCorrection(row, 5, { kind: 'counted' }, NOW + 105_000, 'stripe');
  const by = { id: randomUUID(), now: NOW, actor: 'ada', requestId: 'req_1' };
  const audit = correctionAudit(correction, 'counted', by);
  once('lose answer');
  expect(await ledger.correct(SCOPE, correction.after, audit)).toBe('applied');
  expect(await stored(row)).toMatchObject({ confirmed: 5, inflight: null });
  expect(await ledger.correct(SCOPE, correction.after, audit)).toBe('stale');
  const page = on.store.audit({
    tenantId,
    since: '2026-11-22',
    until: '2026-11-23',
    limit: null,
    after: null,
  });
  const entries = [];
  for await (const entry of page.items) entries.push(entry);
  expect(entries).toEqual([audit]);
});

describe('the list of tenants', () => {
  it('shows each once, with its head and what is on its gate, and scans nothing', async () => {
    const ids = Array.from({ length: 12 }, (_, at) => `list-${at}`);
    for (const id of ids) await makeTenant(id, { [TODAY]: 4 });
    await ledger.keepHeads(SCOPE, [
      { tenantId: 'list-3', swept: TODAY, settled: { api_calls: { [TODAY]: 4 } }, open: ['x'] },
    ]);
    on.proxy.calls.length = 0;
    const listed: Listed[] = [];
    for (let shard = 0; shard < ledger.shards; shard++)
      for await (const page of ledger.list(SCOPE, shard, null)) listed.push(...page);
    const mine = listed.filter(({ tenant }) => tenant.id.startsWith('list-'));
    expect(mine.map(({ tenant }) => tenant.id).sort()).toEqual([...ids].sort());
    expect(mine.every(({ gate }) => gate[TODAY] === 4)).toBe(true);
    expect(mine.find(({ tenant }) => tenant.id === 'list-3')?.head).toEqual({
      tenantId: 'list-3',
      swept: TODAY,
      settled: { api_calls: { [TODAY]: 4 } },
      open: ['x'],
    });
    expect(new Set(on.proxy.operations())).toEqual(new Set(['Query', 'BatchGetItem']));
  });
});

describe('a sync over it', () => {
  it('bills once with two runs at a time and answers lost, and then costs next to nothing', async () => {
    const ids = Array.from({ length: 30 }, (_, at) => `sync-${at}`);
    for (const id of ids) await makeTenant(id, { [TODAY]: 7, '2026-11-21': 2 });
    const sink = countingSink();
    const run = (runId: string) =>
      syncUsage({
        ledger,
        sink,
        stack: STACK,
        meters: [CALLS],
        finalInvoice: 'carry',
        clock: { now: () => NOW, pause: async () => {} },
        runId,
      });
    let writes = 0;
    on.proxy.rule = ({ operation }) =>
      operation === 'TransactWriteItems' && ++writes % 3 === 0 ? 'lose answer' : undefined;
    await Promise.all([run('a'), run('b')]);
    on.proxy.rule = () => undefined;
    await run('c');
    const ours = [...sink.totals].filter(([name]) => name.startsWith('sync-'));
    expect(Object.fromEntries(ours.map(([name, total]) => [name, total]))).toEqual(
      Object.fromEntries(
        ids.flatMap((id) => [
          [`${id} ${TODAY}`, 7],
          [`${id} 2026-11-21`, 2],
        ]),
      ),
    );
    on.proxy.calls.length = 0;
    const { sent, days } = await run('d');
    expect({ sent, days }).toEqual({ sent: 0, days: 0 });
    expect(new Set(on.proxy.operations())).toEqual(new Set(['Query', 'BatchGetItem']));
    expect(
      on.proxy.calls.filter(({ body }) => JSON.stringify(body).includes('"ConsistentRead":true')),
    ).toEqual([]);
  });
});

async function makeTenant(id: string, days: Record<string, number>) {
  const input = { stripeCustomerId: `cus_${id.replace('-', '')}` };
  await apply(
    on.store,
    createTenant(null, id, input, { plan: pro, ifNotExists: false, now: NOW - 5 * 86_400_000 }),
    NOW,
  );
  await on.wire.send('UpdateItem', {
    TableName: `${STACK}-gates`,
    Key: marshalItem({ PK: gatePk(id) }),
    UpdateExpression: 'SET u = :u',
    ExpressionAttributeValues: marshalItem({ ':u': days }),
  });
}

/** Knows ids, and nothing else. */
function countingSink(): Sink & { totals: Map<string, number> } {
  const seen = new Set<string>();
  const totals = new Map<string, number>();
  const take = ({ id, tenantId, day, value }: UsageEvent) => {
    if (!seen.has(id)) totals.set(`${tenantId} ${day}`, (totals.get(`${tenantId} ${day}`) ?? 0) + value);
    seen.add(id);
  };
  return {
    totals,
    name: 'stripe',
    account: async () => 'acct_1',
    mode: 'test',
    needsCustomer: true,
    batch: 1,
    perSecond: null,
    backdateDays: 34,
    preflight: async () => [],
    async deliver(events) {
      for (const event of events) take(event);
      return events.map(() => ({ kind: 'delivered' }));
    },
    total: async () => null,
    close: async () => {},
  };
}

it('the list goes on where a page of it ended by its bytes, not by its tenants', async () => {
  const shard = 3;
  const ids = Array.from({ length: 12 }, (_, at) => `large-${String(at).padStart(2, '0')}`);
  // Pages end at 1 MB, of items as they are stored.
  const failure = 'x'.repeat(200_000);
  for (const id of ids) {
    const Item = {
      PK: `TENANT#${id}`,
      SK: 'PROFILE',
      LPK: `TENANT#${shard}`,
      LSK: id,
      id,
      status: 'active',
      failure,
    };
    await on.wire.send('PutItem', { TableName: `${STACK}-tenants`, Item: marshalItem(Item) });
  }
  const listed: string[] = [];
  for await (const page of ledger.list(SCOPE, shard, null))
    listed.push(...page.map(({ tenant }) => tenant.id));
  expect(listed.filter((id) => id.startsWith('large-'))).toEqual(ids);
});
