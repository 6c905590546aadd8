import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TenantData } from '../../../src/runtime/tenant-data/tenant-data.ts';
import { Decimal } from '../../../src/runtime/tenant-data/values.ts';
import {
  ACME,
  BRIDGE,
  type DataEngine,
  dataOver,
  GLOBEX,
  recording,
  SILO,
  startDataEngine,
} from './fixture.ts';

let engine: DataEngine;
let acme: TenantData;
let globex: TenantData;
let round = 0;
/** A part of the sort keys for each test, so that none sees another's. */
let at: string;

beforeAll(async () => {
  engine = await startDataEngine();
  acme = dataOver(engine.wire);
  globex = dataOver(engine.wire, GLOBEX);
});
afterAll(() => engine.stop());
beforeEach(() => {
  round += 1;
  at = `${String(round).padStart(3, '0')}#`;
});

const all = async (data: TenantData) => (await data.query({ sk: { beginsWith: at } })).items;

describe('one item', () => {
  it('comes back as it was put, without its partition key', async () => {
    const item = {
      SK: `${at}order`,
      text: 'ä 🔑',
      count: 3,
      half: 0.5,
      big: 123_456_789_012_345_678_901n,
      exact: new Decimal('0.12345678901234567890123456789'),
      bytes: Uint8Array.of(0, 255),
      tags: new Set(['a', 'b']),
      sizes: new Set([1, 2.5]),
      blobs: new Set([Uint8Array.of(1)]),
      list: [null, true, { deep: ['x'] }],
      PKS: 'only looks like a key',
    };
    await acme.put(item);
    expect(await acme.get(item.SK)).toEqual(item);
    expect(await globex.get(item.SK)).toBeNull();
  });

  it('is replaced whole by a put, changed by an update, gone after a delete', async () => {
    const sk = `${at}a`;
    await acme.put({ SK: sk, one: 1, two: 2 });
    await acme.put({ SK: sk, two: 2 });
    const updated = await acme.update(sk, 'SET #t = :t ADD visits :one', {
      names: { '#t': 'title' },
      values: { ':t': 'x', ':one': 1 },
    });
    expect(updated).toEqual({ SK: sk, two: 2, title: 'x', visits: 1 });
    expect(await acme.get(sk, { projection: '#t', names: { '#t': 'title' } })).toEqual({ title: 'x' });
    await acme.delete(sk);
    expect(await acme.get(sk)).toBeNull();
  });

  it('that was read can be put again', async () => {
    await acme.put({ SK: `${at}a`, n: 1 });
    const read = await acme.get(`${at}a`);
    await acme.put({ ...read, SK: `${at}a`, PK: 'TENANT#acme', n: 2 });
    expect(await acme.get(`${at}a`)).toEqual({ SK: `${at}a`, n: 2 });
  });

  it('is written under a condition, or not at all', async () => {
    const item = { SK: `${at}a`, version: 1 };
    const fresh = { condition: 'attribute_not_exists(SK)' };
    await acme.put(item, fresh);
    await expect(acme.put(item, fresh)).rejects.toMatchObject({ name: 'ConditionFailed', statusCode: 409 });
    const stale = { condition: '#v = :v', names: { '#v': 'version' }, values: { ':v': 7 } };
    await expect(acme.delete(item.SK, stale)).rejects.toMatchObject({ name: 'ConditionFailed' });
    await expect(
      acme.update(item.SK, 'SET #v = :n', { ...stale, values: { ':v': 7, ':n': 8 } }),
    ).rejects.toMatchObject({ name: 'ConditionFailed' });
    expect(await acme.get(item.SK)).toEqual(item);
  });

  it("a condition says nothing of another tenant's item under the same sort key", async () => {
    const sk = `${at}shared`;
    await globex.put({ SK: sk, secret: 'theirs' });
    await acme.put({ SK: sk, mine: true }, { condition: 'attribute_not_exists(SK)' });
    await expect(
      acme.update(sk, 'SET x = :x', { condition: 'secret = :s', values: { ':x': 1, ':s': 'theirs' } }),
    ).rejects.toMatchObject({ name: 'ConditionFailed' });
    expect(await globex.get(sk)).toEqual({ SK: sk, secret: 'theirs' });
  });
});

describe('query', () => {
  beforeEach(() => acme.batchWrite(['a', 'b', 'c', 'd'].map((id, n) => ({ put: { SK: at + id, n } }))));
  const found = async (options: Parameters<TenantData['query']>[0]) =>
    (await acme.query(options)).items.map(({ SK }) => String(SK).slice(at.length));

  it.each([
    [{ equals: 'b' }, ['b']],
    [{ between: ['b', 'c'] }, ['b', 'c']],
    [{ beginsWith: '' }, ['a', 'b', 'c', 'd']],
  ])('%j finds %j', async (condition, expected) => {
    const [[kind, operand]] = Object.entries(condition) as [[string, string | string[]]];
    const operands = typeof operand === 'string' ? at + operand : operand.map((each) => at + each);
    expect(await found({ sk: { [kind]: operands } as never })).toEqual(expected);
  });

  it.each([
    ['lessThan', 'b', ['a']],
    ['atMost', 'b', ['a', 'b']],
    ['greaterThan', 'c', ['d']],
    ['atLeast', 'c', ['c', 'd']],
  ])('%s %s finds %j', async (kind, operand, expected) => {
    const other = dataOver(engine.wire, { tenantId: `t-${round}` });
    await other.batchWrite(['a', 'b', 'c', 'd'].map((SK) => ({ put: { SK } })));
    const { items } = await other.query({ sk: { [kind]: operand } as never });
    expect(items.map(({ SK }) => SK)).toEqual(expected);
  });

  it('goes backwards, filters and projects', async () => {
    const sk = { beginsWith: at };
    expect(await found({ sk, descending: true, limit: 2 })).toEqual(['d', 'c']);
    const odd = await acme.query({
      sk,
      filter: '#n IN (:one, :three)',
      projection: '#n',
      names: { '#n': 'n' },
      values: { ':one': 1, ':three': 3 },
      consistent: true,
    });
    expect(odd).toEqual({ items: [{ n: 1 }, { n: 3 }], cursor: null });
  });

  it('goes on where the page before ended, to the end', async () => {
    const sk = { beginsWith: at };
    const first = await acme.query({ sk, limit: 3 });
    const last = await acme.query({ sk, limit: 3, cursor: first.cursor });
    expect([...first.items, ...last.items].map(({ n }) => n)).toEqual([0, 1, 2, 3]);
    expect(last.cursor).toBeNull();
    expect(first.cursor).not.toContain('acme');
  });
});

describe('batches', () => {
  it('of any size are written and read', async () => {
    const sks = Array.from({ length: 130 }, (_, n) => `${at}${n}`);
    expect(await acme.batchWrite(sks.map((SK) => ({ put: { SK, v: 1 } })))).toEqual({ unprocessed: [] });
    expect(await acme.batchWrite([{ delete: sks[7] as string }])).toEqual({ unprocessed: [] });
    const { items, unprocessed } = await acme.batchGet([...sks, sks[0] as string]);
    expect(unprocessed).toEqual([]);
    expect(new Set(items.map(({ SK }) => SK))).toEqual(new Set(sks.filter((_, n) => n !== 7)));
    expect((await globex.batchGet(sks)).items).toEqual([]);
  });

  it('cannot write one item twice', async () => {
    const SK = `${at}a`;
    await expect(acme.batchWrite([{ put: { SK } }, { delete: SK }])).rejects.toThrow(TypeError);
  });
});

describe('a transaction', () => {
  it('is all or none, and says which condition did not hold', async () => {
    await acme.put({ SK: `${at}a`, n: 1 });
    const writes = (n: number) => [
      { put: { SK: `${at}b`, n } },
      { update: `${at}a`, expression: 'SET n = n + :one', values: { ':one': 1 } },
      { check: `${at}c`, condition: 'attribute_not_exists(SK)' },
    ];
    await acme.transact(writes(1));
    await acme.put({ SK: `${at}c` });
    await expect(acme.transact([...writes(2), { delete: `${at}a` }].slice(0, 3))).rejects.toMatchObject({
      name: 'ConditionFailed',
      operations: [2],
    });
    expect(await all(acme)).toEqual([{ SK: `${at}a`, n: 2 }, { SK: `${at}b`, n: 1 }, { SK: `${at}c` }]);
  });

  it('is made once for one token, and a token is each tenant’s own', async () => {
    const add = [{ update: `${at}a`, expression: 'ADD n :one', values: { ':one': 1 } }];
    for (const data of [acme, acme, globex]) await data.transact(add, { token: `${at}order-1` });
    expect(await acme.get(`${at}a`)).toMatchObject({ n: 1 });
    expect(await globex.get(`${at}a`)).toMatchObject({ n: 1 });
  });
});

describe('where the data lies', () => {
  it.each([
    [ACME, 'test-app-data'],
    [SILO, 'test-app-data-initech'],
    [BRIDGE, 'test-app-data-hooli'],
  ])('%j: %s, under the tenant’s own key', async (tenant, table) => {
    const { sent, wire } = recording(engine.wire);
    const data = dataOver(wire, tenant);
    await data.put({ SK: `${at}a`, x: 1 });
    expect(await all(data)).toEqual([{ SK: `${at}a`, x: 1 }]);
    expect(sent.map(({ body }) => body['TableName'])).toEqual([table, table]);
    expect(sent[0]?.body['Item']).toMatchObject({ PK: { S: `TENANT#${tenant.tenantId}` } });
  });
});
