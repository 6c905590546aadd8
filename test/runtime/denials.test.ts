import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type GateItem, NEVER } from '../../src/core/gate/layout.ts';
import { createDenials } from '../../src/runtime/denials.ts';
import { gateFixture, keyFixture, mappingFixture, NOON, putGate, putKey } from '../fixtures/gate.ts';
import { gateOver } from './gate-over.ts';
import { memoryWire } from './memory-dynamo.ts';

const SECOND = 1_000_000;
const used = {
  k1: keyFixture({ perSecond: 0.1, burst: 1 }, { tat: NOON + 9 * SECOND, aat: NOON + 9 * SECOND }),
};

async function behind(more: Partial<GateItem>) {
  const memory = memoryWire();
  const put = (gate: Partial<GateItem>) => putGate(memory.wire, gateFixture(gate));
  await put(more);
  const key = await putKey(memory.wire);
  const updates = () => memory.sent.filter((operation) => operation === 'UpdateItem').length;
  return { ...memory, ...gateOver(memory.wire), key, put, updates };
}

describe('a denial', () => {
  it.each<[string, Partial<GateItem>, object]>([
    ['of a revoked key', { k: {} }, { outcome: 'refused', reason: 'revoked' }],
    ['of a suspended tenant', { status: 'suspended' }, { outcome: 'refused', reason: 'suspended' }],
    ['by the quota', { limit: 0 }, { outcome: 'limited', by: 'quota' }],
    ['by the rate', { k: used }, { outcome: 'limited', by: 'rate' }],
  ])('%s costs one write a second, however hard the caller hammers', async (_what, gate, expected) => {
    const { gate: sandbox, key, clock, put, updates } = await behind(gate);
    for (let i = 0; i < 100; i++) {
      expect(await sandbox.check(key)).toMatchObject(expected);
      clock.now += SECOND / 100;
    }
    expect(updates()).toBe(1);
    // Lifted: seen within the second.
    await put({});
    expect(await sandbox.check(key)).toMatchObject({ outcome: 'allowed' });
  });

  it('says from memory when to come again, by the item’s own time', async () => {
    const { gate, key, clock } = await behind({ k: used });
    expect(await gate.check(key)).toMatchObject({ retryAfter: 9, headers: { ratelimit: '"rate";r=0;t=9' } });
    clock.now += SECOND - 1;
    expect(await gate.check(key)).toMatchObject({ retryAfter: 9, headers: { ratelimit: '"rate";r=0;t=9' } });
  });

  it('ends when the bucket has the next token, if that is sooner than a second', async () => {
    const k1 = { ...used.k1, tat: NOON + 1_000, aat: NOON + 1_000 };
    const { gate, key, clock } = await behind({ k: { k1 } });
    expect(await gate.check(key)).toMatchObject({ by: 'rate' });
    clock.now += 1_000;
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
  });

  it('of one key leaves the tenant’s others alone; a used-up quota does not', async () => {
    const keys = { ...used, k2: keyFixture() };
    const { gate, key, wire, updates, put } = await behind({ k: keys });
    const other = await putKey(wire, mappingFixture({ keyId: 'k2' }));
    await gate.check(key);
    expect(await gate.check(other)).toMatchObject({ outcome: 'allowed' });
    await put({ limit: 0, k: keys });
    expect(await gate.check(other)).toMatchObject({ by: 'quota' });
    const before = updates();
    expect(await gate.check(key)).toMatchObject({ by: 'quota' });
    expect(updates()).toBe(before);
  });

  it('of a used-up quota tells a dead key of the same tenant nothing', async () => {
    const k = { ...used, k2: keyFixture(undefined, { s: { s1: NOON } }) };
    const { gate, key, wire } = await behind({ limit: 0, k });
    expect(await gate.check(key)).toMatchObject({ by: 'quota' });
    const revoked = await putKey(wire, mappingFixture({ keyId: 'k3' }));
    const expired = await putKey(wire, mappingFixture({ keyId: 'k2' }));
    expect(await gate.check(revoked)).toEqual({ outcome: 'refused', reason: 'revoked' });
    expect(await gate.check(expired)).toEqual({ outcome: 'refused', reason: 'expired' });
  });

  it('of one secret leaves the other secret of its key alone', async () => {
    const { gate, key, wire } = await behind({ k: { k1: keyFixture(undefined, { s: { s2: NOON * 2 } }) } });
    const other = await putKey(wire, mappingFixture({ secretId: 's2' }));
    expect(await gate.check(key)).toEqual({ outcome: 'refused', reason: 'revoked' });
    expect(await gate.check(other)).toMatchObject({ outcome: 'allowed' });
  });

  it('is forgotten when the clock is set back', async () => {
    const { gate, key, clock, put } = await behind({ status: 'suspended' });
    await gate.check(key);
    await put({});
    clock.now -= 1;
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
  });

  it('is not made of an answer that says nothing of the caller', async () => {
    const { gate, key, next } = await behind({});
    const throttled = JSON.stringify({ __type: 'x#ThrottlingException' });
    for (let i = 0; i < 3; i++) next.push({ kind: 'answered', status: 400, text: throttled });
    expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    next.push({ kind: 'reset', message: 'gone' });
    expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
  });
});

describe('of tenants with 40 keys', () => {
  const keyIds = Array.from({ length: 40 }, (_, i) => `k${i + 1}`);
  const denied = NOON + 9 * SECOND;
  const gateOf = (tenant: number) => {
    const k = keyIds.map((keyId) => [keyId, keyFixture(undefined, { s: { [`s${tenant}`]: NEVER } })]);
    return gateFixture({ limit: 5, k: Object.fromEntries(k) });
  };
  /** The tenants of whose denial a sandbox with room for 400 keys still knows. */
  function remembered(by: 'rate' | 'quota', tenants: number, keyId: string) {
    const denials = createDenials(400);
    const caller = (i: number, of: string) =>
      mappingFixture({ tenantId: `t${i}`, keyId: of, secretId: `s${i}` });
    for (let i = 0; i < tenants; i++)
      denials.limit(caller(i, 'k1'), { denied: by, retryAt: denied, gate: gateOf(i) }, NOON);
    const all = Array.from({ length: tenants }, (_, i) => i);
    return all.filter((i) => denials.find(caller(i, keyId), NOON) !== null);
  }

  it('a rate denial is of one key, and a quota denial of all: so many are remembered', () => {
    expect(remembered('rate', 400, 'k1')).toHaveLength(400);
    expect(remembered('rate', 400, 'k2')).toEqual([]);
    expect(remembered('quota', 400, 'k40')).toEqual([390, 391, 392, 393, 394, 395, 396, 397, 398, 399]);
  });

  it.each(['rate', 'quota'] as const)('1,000 denials by the %s take little', (by) => {
    setFlagsFromString('--expose-gc');
    const held = () => {
      runInNewContext('gc')();
      return process.memoryUsage().heapUsed;
    };
    const before = held();
    const denials = createDenials(1_000);
    for (let i = 0; i < 1_000; i++) {
      const caller = mappingFixture({ tenantId: `t${i}`, secretId: `s${i}` });
      denials.limit(caller, { denied: by, retryAt: denied, gate: gateOf(i) }, NOON);
    }
    const grown = (held() - before) / 2 ** 20;
    expect(denials.find(mappingFixture({ tenantId: 't999', secretId: 's999' }), NOON)).not.toBeNull();
    expect(grown).toBeLessThan(3);
  });
});

it('remembers no more denials than it is told to', () => {
  const denials = createDenials(2);
  const callers = ['a', 'b', 'c'].map((tenantId) => mappingFixture({ tenantId }));
  for (const caller of callers) denials.refuse(caller, 'suspended', NOON);
  expect(callers.map((caller) => denials.find(caller, NOON)?.outcome)).toEqual([
    undefined,
    'refused',
    'refused',
  ]);
});
