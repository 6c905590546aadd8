// The gate on a real engine, over its real wire.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NEVER } from '../../src/core/gate/layout.ts';
import { createGate, type GateOptions } from '../../src/runtime/gate.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { gcraModel } from '../core/gate/gcra.ts';
import {
  gateFixture,
  keyFixture,
  mappingFixture,
  NOON,
  putGate,
  putKey,
  readGate,
  STACK,
  startTestEngine,
  type TestEngine,
} from '../fixtures/gate.ts';

let engine: TestEngine;
let key: string;
beforeAll(async () => {
  engine = await startTestEngine();
  key = await putKey(engine.wire);
});
afterAll(() => engine.stop());

function sandbox(more: Partial<GateOptions> = {}) {
  const options = {
    stack: STACK,
    prefix: 'anb',
    envs: ['live' as const],
    importedKeys: false,
    policy: 'deny' as const,
  };
  return createGate({ wire: engine.wire, ...options, log: () => {}, now: () => NOON, ...more });
}

/** Sends and counts. */
function counting(wire: Wire) {
  const sent: string[] = [];
  const send: Wire['send'] = (operation, body) => {
    sent.push(operation);
    return wire.send(operation, body);
  };
  return { wire: { ...wire, send }, sent };
}

async function outcomes(calls: number, gates: ReturnType<typeof sandbox>[]) {
  const all = Array.from({ length: calls }, (_, i) =>
    (gates[i % gates.length] as (typeof gates)[0]).check(key),
  );
  const tally: Record<string, number> = {};
  for (const outcome of await Promise.all(all)) {
    const name = outcome.outcome === 'limited' ? outcome.by : outcome.outcome;
    tally[name] = (tally[name] ?? 0) + 1;
  }
  return tally;
}

it('admits exactly the burst of 500 parallel calls from five sandboxes', async () => {
  await putGate(engine.wire, gateFixture({ k: { k1: keyFixture({ perSecond: 0.001, burst: 50 }) } }));
  expect(
    await outcomes(
      500,
      Array.from({ length: 5 }, () => sandbox()),
    ),
  ).toEqual({ allowed: 50, rate: 450 });
  expect((await readGate(engine.wire)).m).toEqual({ '2026-11': 50 });
});

it('admits exactly the burst when the sandboxes’ clocks differ', async () => {
  await putGate(engine.wire, gateFixture({ k: { k1: keyFixture({ perSecond: 0.001, burst: 50 }) } }));
  const skewed = Array.from({ length: 5 }, (_, i) => sandbox({ now: () => NOON + i * 1_000 }));
  expect(await outcomes(500, skewed)).toEqual({ allowed: 50, rate: 450 });
});

it('admits exactly what is left of the quota of 500 parallel calls, and counts exactly that', async () => {
  await putGate(engine.wire, gateFixture({ limit: 1000, calls: 1000, m: { '2026-11': 877 } }));
  expect(await outcomes(500, [sandbox(), sandbox()])).toEqual({ allowed: 123, quota: 377 });
  const { m, u } = await readGate(engine.wire);
  expect([m, u]).toEqual([{ '2026-11': 1000 }, { '2026-11-22': 123 }]);
});

it('counts every one of 500 parallel calls of an unlimited key', async () => {
  await putGate(engine.wire, gateFixture());
  expect(await outcomes(500, [sandbox()])).toEqual({ allowed: 500 });
  expect((await readGate(engine.wire)).u).toEqual({ '2026-11-22': 500 });
});

describe('the very next call after', () => {
  const gone = { k1: keyFixture(undefined, { s: { s2: NEVER } }) };
  it.each([
    ['a revocation', gateFixture({ k: gone }), 'revoked'],
    ['the end of the key', gateFixture({ k: {} }), 'revoked'],
    ['a suspension', gateFixture({ status: 'suspended' }), 'suspended'],
    ['the deletion of the tenant', gateFixture({ status: 'deleted', k: {} }), 'revoked'],
    ['the expiry', gateFixture({ k: { k1: keyFixture(undefined, { s: { s1: NOON } }) } }), 'expired'],
  ])('%s is refused, 100 times of 100', async (_what, after, reason) => {
    const clock = { now: NOON };
    const gate = sandbox({ now: () => clock.now });
    for (let i = 0; i < 100; i++) {
      // A denial is repeated for a second without asking.
      clock.now = NOON + i * 1_000_000;
      await putGate(engine.wire, gateFixture());
      expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
      await putGate(engine.wire, after);
      expect(await gate.check(key)).toEqual({ outcome: 'refused', reason });
    }
  });
});

it('takes one call of the wire, an update, for a known key', async () => {
  await putGate(engine.wire, gateFixture({ k: { k1: keyFixture({ perSecond: 10, burst: 40 }) } }));
  const { wire, sent } = counting(engine.wire);
  const clock = { now: NOON };
  const gate = sandbox({ wire, now: () => clock.now });
  await gate.check(key);
  sent.length = 0;
  for (let i = 0; i < 30; i++) {
    clock.now += i * 15_000;
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
  }
  expect(sent).toEqual(Array(30).fill('UpdateItem'));
});

it("gives GCRA's own decisions", async () => {
  const calls = fc.array(fc.integer({ min: -2, max: 20 }), { minLength: 5, maxLength: 20 });
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 5, max: 30 }),
    calls,
    async (burst, quota, gaps) => {
      const limits = { limit: quota, calls: quota, k: { k1: keyFixture({ perSecond: 1, burst }) } };
      await putGate(engine.wire, gateFixture(limits));
      const model = gcraModel(1_000_000, burst, quota);
      const clock = { now: NOON };
      // Two sandboxes, so that guesses go wrong.
      const gates = [sandbox({ now: () => clock.now }), sandbox({ now: () => clock.now })];
      for (const [i, gap] of gaps.entries()) {
        clock.now += gap * 125_000;
        const expected = model.call(clock.now);
        const actual = await (gates[i % 2] as (typeof gates)[0]).check(key);
        const name = actual.outcome === 'limited' ? actual.by : actual.outcome;
        expect(name).toBe(
          expected === 'quota' ? 'quota' : 'denied' in expected ? expected.denied : 'allowed',
        );
      }
      expect((await readGate(engine.wire)).m['2026-11'] ?? 0).toBe(model.used());
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

it.each(['m', 'u', 'T', 'bm'])('answers unavailable for a gate without %s', async (missing) => {
  const without = { [missing]: undefined };
  const k1 = { ...keyFixture(), ...without };
  await putGate(engine.wire, { ...gateFixture({ k: { k1 } }), ...without });
  const events: string[] = [];
  const gate = sandbox({ log: ({ event }) => events.push(event) });
  expect(await gate.check(key)).toEqual({ outcome: 'unavailable', retryAfter: 1 });
  expect(events).toEqual(['gate_broken']);
});

it('finds only its own entries under names that objects inherit', async () => {
  await putGate(engine.wire, gateFixture());
  for (const name of ['__proto__', 'constructor']) {
    const odd = await putKey(engine.wire, mappingFixture({ keyId: name }));
    expect(await sandbox().check(odd)).toEqual({ outcome: 'refused', reason: 'revoked' });
  }
});
