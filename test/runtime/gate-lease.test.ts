import { describe, expect, it } from 'vitest';
import type { GateItem } from '../../src/core/gate/layout.ts';
import {
  gateFixture,
  keyFixture,
  mappingFixture,
  NOON,
  putGate,
  putKey,
  readGate,
} from '../fixtures/gate.ts';
import { gateOver } from './gate-over.ts';
import { dynamoError, memoryWire } from './memory-dynamo.ts';

const SECOND = 1_000_000;
const fast = { k: { k1: keyFixture({ perSecond: 10_000, burst: 1_000 }) } };

/** A gate with leases of 8, and a sandbox in front of it that has made its first call. */
async function leasing(more: Partial<GateItem> = {}, start = NOON) {
  const memory = memoryWire();
  await putGate(memory.wire, gateFixture({ n: 8, ...fast, ...more }));
  const key = await putKey(memory.wire);
  const sandbox = gateOver(memory.wire);
  sandbox.clock.now = start;
  const calls = async (count: number) => {
    const tally: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const { outcome } = await sandbox.gate.check(key);
      tally[outcome] = (tally[outcome] ?? 0) + 1;
    }
    return tally;
  };
  const updates = () => memory.sent.filter((operation) => operation === 'UpdateItem').length;
  const counted = async () => {
    const { m, u } = await readGate(memory.wire);
    return [m, u];
  };
  await calls(1);
  memory.sent.length = 0;
  return { ...memory, ...sandbox, key, calls, updates, counted };
}

describe('a busy key', () => {
  it('takes 2, 4 and 8 calls with a write, and no more than the plan says', async () => {
    const { calls, updates } = await leasing();
    const writes: number[] = [];
    for (const count of [2, 4, 8, 8]) {
      await calls(count);
      writes.push(updates());
    }
    expect(writes).toEqual([1, 2, 3, 4]);
  });

  it('never takes more than its burst', async () => {
    const { calls, updates } = await leasing({ k: { k1: keyFixture({ perSecond: 1_000_000, burst: 3 }) } });
    expect(await calls(2)).toEqual({ allowed: 2 });
    expect(updates()).toBe(1);
  });

  it('bills what was served, and gives back what was not, with the next write', async () => {
    const { calls, clock, counted } = await leasing();
    await calls(3);
    expect(await counted()).toEqual([{ '2026-11': 7 }, { '2026-11-22': 3 }]);
    clock.now += SECOND;
    await calls(1);
    // Three billed, three given back, and one taken by the call.
    expect(await counted()).toEqual([{ '2026-11': 5 }, { '2026-11-22': 5 }]);
  });

  it('is settled by the next invocation of any other, once its second is over', async () => {
    const { calls, clock, counted, gate, wire } = await leasing();
    await putGate(wire, { ...gateFixture(), PK: 'GATE#globex' });
    const other = await putKey(wire, mappingFixture({ tenantId: 'globex' }));
    await calls(3);
    clock.now += SECOND - 1;
    await gate.check(other);
    expect(await counted()).toEqual([{ '2026-11': 7 }, { '2026-11-22': 3 }]);
    clock.now += 1;
    await gate.check(other);
    expect(await counted()).toEqual([{ '2026-11': 4 }, { '2026-11-22': 4 }]);
  });

  it('is settled when the sandbox is told to stop, once', async () => {
    const { calls, counted, gate, updates } = await leasing();
    await calls(3);
    await gate.settle();
    expect(await counted()).toEqual([{ '2026-11': 4 }, { '2026-11-22': 4 }]);
    const before = updates();
    await gate.settle();
    expect(updates()).toBe(before);
  });

  it('shares one write among the calls that wait for it', async () => {
    const { gate, key, updates, calls } = await leasing();
    await calls(2 + 4);
    const before = updates();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => gate.check(key)));
    expect(outcomes.every(({ outcome }) => outcome === 'allowed')).toBe(true);
    expect(updates() - before).toBe(1);
  });

  it('tells each call what is left, as if it had been counted by itself', async () => {
    const { gate, key } = await leasing({ limit: 100, calls: 100 });
    const remaining: (number | null)[] = [];
    for (let i = 0; i < 6; i++) {
      const outcome = await gate.check(key);
      if (outcome.outcome === 'allowed') remaining.push(outcome.tenant.usage.remaining);
    }
    expect(remaining).toEqual([98, 97, 96, 95, 94, 93]);
  });
});

describe('a lease', () => {
  it('dies with its second: a revoked key is refused by then', async () => {
    const { calls, clock, wire } = await leasing();
    await calls(3);
    await putGate(wire, gateFixture({ n: 8, k: {} }));
    expect(await calls(1)).toEqual({ allowed: 1 });
    clock.now += SECOND;
    expect(await calls(1)).toEqual({ refused: 1 });
  });

  it('does not outlive the expiry of a key', async () => {
    const k1 = { ...fast.k.k1, s: { s1: NOON + 500_000 } };
    const { calls, clock } = await leasing({ k: { k1 } });
    await calls(3);
    clock.now += 499_999;
    expect(await calls(1)).toEqual({ allowed: 1 });
    clock.now += 1;
    expect(await calls(1)).toEqual({ refused: 1 });
  });

  it('ends at midnight and bills each day its own, each month its own quota', async () => {
    const midnight = Date.UTC(2026, 11, 1) * 1000;
    const { calls, clock, counted, gate } = await leasing({}, midnight - 400_000);
    await calls(3);
    clock.now = midnight;
    await calls(3);
    await gate.settle();
    expect(await counted()).toEqual([
      { '2026-11': 4, '2026-12': 3 },
      { '2026-11-30': 4, '2026-12-01': 3 },
    ]);
  });

  it('is not served when its write may or may not have been applied, and bills nothing twice', async () => {
    const { calls, next, gate, counted, lines } = await leasing();
    await calls(2);
    next.push({
      kind: 'answered',
      status: 500,
      text: JSON.stringify(dynamoError(500, 'InternalServerError').body),
    });
    expect(await calls(1)).toEqual({ unavailable: 1 });
    await calls(4);
    await gate.settle();
    // Two served by the lease whose billing was in doubt are lost to us, not billed again.
    expect((await counted())[1]).toEqual({ '2026-11-22': 5 });
    expect(lines.map(({ event }) => event)).toEqual(['gate_ambiguous']);
  });

  it('that was provably not applied leaves its bill to the next', async () => {
    const { calls, next, gate, counted } = await leasing();
    await calls(2);
    const throttled = JSON.stringify(dynamoError(400, 'ThrottlingException').body);
    for (let i = 0; i < 3; i++) next.push({ kind: 'answered', status: 400, text: throttled });
    expect(await calls(1)).toEqual({ unavailable: 1 });
    await calls(4);
    await gate.settle();
    expect(await counted()).toEqual([{ '2026-11': 7 }, { '2026-11-22': 7 }]);
  });

  it('is cut to what is left, to the last call of a quota, and is never more', async () => {
    const { calls, counted, gate } = await leasing({ limit: 10, calls: 10 });
    expect(await calls(15)).toEqual({ allowed: 9, limited: 6 });
    await gate.settle();
    expect(await counted()).toEqual([{ '2026-11': 10 }, { '2026-11-22': 10 }]);
  });

  it('follows a new rate and a changed limit', async () => {
    const { calls, wire, gate, counted, clock } = await leasing();
    await calls(2);
    const before = await readGate(wire);
    await putGate(wire, { ...before, limit: 100, k: { k1: { ...keyFixture({ perSecond: 5, burst: 4 }) } } });
    expect(await calls(5)).toEqual({ allowed: 4, limited: 1 });
    clock.now += SECOND;
    await gate.settle();
    expect((await counted())[0]).toEqual({ '2026-11': 7 });
  });

  it('bills a tenant that was suspended meanwhile', async () => {
    const { calls, wire, gate, counted } = await leasing();
    await calls(2);
    await putGate(wire, { ...(await readGate(wire)), status: 'suspended' });
    await gate.settle();
    expect((await counted())[1]).toEqual({ '2026-11-22': 3 });
  });

  it('does not let one dead secret of a key refuse another', async () => {
    const { wire, gate, key } = await leasing();
    const other = await putKey(wire, mappingFixture({ secretId: 's2' }));
    const [good, dead] = await Promise.all([gate.check(key), gate.check(other)]);
    expect([good?.outcome, dead?.outcome]).toEqual(['allowed', 'refused']);
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
  });
});

it('a gate without leases has nothing to settle', async () => {
  const { wire, sent } = memoryWire();
  await putGate(wire, gateFixture(fast));
  const key = await putKey(wire);
  const { gate } = gateOver(wire);
  for (let i = 0; i < 5; i++) await gate.check(key);
  await gate.settle();
  expect(sent.filter((operation) => operation === 'UpdateItem')).toHaveLength(5);
});
