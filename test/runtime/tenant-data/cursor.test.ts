import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CursorScope, openCursor, sealCursor } from '../../../src/runtime/tenant-data/cursor.ts';
import { InvalidCursor } from '../../../src/runtime/tenant-data/errors.ts';
import type { QueryOptions } from '../../../src/runtime/tenant-data/query.ts';
import { ACME, type DataEngine, dataOver, GLOBEX, SECRET, SILO, startDataEngine } from './fixture.ts';

const scope: CursorScope = { table: 't', tenantId: 'acme', shape: '{}' };

describe('a cursor', () => {
  it('opens where it was sealed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (sk) => {
        expect(openCursor(SECRET, scope, sealCursor(SECRET, scope, sk))).toBe(sk);
      }),
    );
  });

  it('opens nowhere else, and not when changed', () => {
    const cursor = sealCursor(SECRET, scope, 'order#1');
    const others: [string, CursorScope, unknown][] = [
      ['another secret', scope, cursor],
      [SECRET, { ...scope, tenantId: 'globex' }, cursor],
      [SECRET, { ...scope, table: 't-acme' }, cursor],
      [SECRET, { ...scope, shape: '{"a":1}' }, cursor],
      [SECRET, scope, cursor.slice(0, -1)],
      [SECRET, scope, cursor.slice(0, 43)],
      [SECRET, scope, `${cursor}=`],
      [SECRET, scope, ` ${cursor}`],
      [SECRET, scope, `${cursor}${cursor}`],
      [SECRET, scope, 'a'.repeat(100_000)],
      ...['', 'x', null, 7, {}, [cursor], Buffer.from(cursor)].map((each): [string, CursorScope, unknown] => [
        SECRET,
        scope,
        each,
      ]),
    ];
    for (const [secret, where, what] of others)
      expect(() => openCursor(secret, where, what), JSON.stringify(what)).toThrow(InvalidCursor);
    expect(new InvalidCursor()).toMatchObject({ name: 'InvalidCursor', statusCode: 400 });
  });

  it('no byte of it can be changed', () => {
    const bytes = Buffer.from(sealCursor(SECRET, scope, 'order#1'), 'base64url');
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ by;
        expect(() => openCursor(SECRET, scope, changed.toString('base64url'))).toThrow(InvalidCursor);
      }),
    );
  });

  it('parts cannot run over into each other, as they would with a plain join', () => {
    const [one, other] = [
      { table: 't', tenantId: 'ab', shape: 'c' },
      { table: 't', tenantId: 'a', shape: 'bc' },
    ];
    const joined = (each: CursorScope) =>
      createHmac('sha256', SECRET)
        .update(each.table + each.tenantId + each.shape)
        .digest('hex');
    expect(joined(one)).toBe(joined(other));
    expect(() => openCursor(SECRET, other, sealCursor(SECRET, one, 'x'))).toThrow(InvalidCursor);
  });
});

describe('the cursor of a page', () => {
  let engine: DataEngine;
  beforeAll(async () => {
    engine = await startDataEngine();
    for (const tenant of [ACME, GLOBEX, SILO])
      await dataOver(engine.wire, tenant).batchWrite(
        ['a1', 'a2', 'a3', 'b1'].map((SK) => ({ put: { SK, n: 1 } })),
      );
  });
  afterAll(() => engine.stop());

  const query: QueryOptions = {
    sk: { beginsWith: 'a' },
    filter: '#n = :n',
    names: { '#n': 'n' },
    values: { ':n': 1 },
    limit: 1,
  };
  const first = async () => (await dataOver(engine.wire).query(query)).cursor;

  it('is good for the same query, on another sandbox and with another page size too', async () => {
    const { filter, limit, ...rest } = { ...query, limit: 2 };
    const again = { values: { ':n': 1 }, ...rest, filter, limit, consistent: true, cursor: await first() };
    const { items } = await dataOver(engine.wire).query(again);
    expect(items.map(({ SK }) => SK)).toEqual(['a2', 'a3']);
  });

  it.each<[string, QueryOptions]>([
    ['other sort keys', { sk: { beginsWith: 'b' } }],
    ['no condition on them', { sk: undefined }],
    ['another filter', { filter: '#n <> :n' }],
    ['another value in it', { values: { ':n': 2 } }],
    ['another order', { descending: true }],
    ['another projection', { projection: '#n' }],
  ])('is refused with %s', async (_, change) => {
    const changed = { ...query, ...change, cursor: await first() };
    await expect(dataOver(engine.wire).query(changed)).rejects.toThrow(InvalidCursor);
  });

  it('is refused for another tenant, in the same table or another, and after a change of the secret', async () => {
    const replayed = { ...query, cursor: await first() };
    for (const data of [GLOBEX, SILO].map((tenant) => dataOver(engine.wire, tenant)))
      await expect(data.query(replayed)).rejects.toThrow(InvalidCursor);
    await expect(dataOver(engine.wire, ACME, 'another secret now').query(replayed)).rejects.toThrow(
      InvalidCursor,
    );
  });
});
