import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateItem } from '../../src/core/gate/layout.ts';
import type { Rider } from '../../src/runtime/outcome.ts';
import { gateFixture, keyFixture, mappingFixture, NOON, putGate, readGate } from '../fixtures/gate.ts';
import { gateOver } from './gate-over.ts';
import { dynamoError, memoryWire } from './memory-dynamo.ts';

const answered = (status: number, type: string) => ({
  kind: 'answered' as const,
  status,
  text: JSON.stringify(dynamoError(status, type).body),
});

it('admits a caller who is known without looking a key up, with the scopes that came with it', async () => {
  const { wire, sent } = memoryWire();
  await putGate(
    wire,
    gateFixture({ iso: 'silo', k: { jwt: keyFixture(undefined, { s: { jwt: NOON * 2 }, sc: 'own' }) } }),
  );
  sent.length = 0;
  const { gate } = gateOver(wire);
  const bearer = mappingFixture({ keyId: 'jwt', secretId: 'jwt' });
  expect(await gate.admit(bearer, { scopes: ['a', 'b'] })).toMatchObject({
    outcome: 'allowed',
    tenant: { tenantId: 'acme', keyId: 'jwt', scopes: ['a', 'b'], isolation: 'silo' },
  });
  expect(await gate.admit(bearer)).toMatchObject({ tenant: { scopes: ['own'] } });
  expect(sent).toEqual(['UpdateItem', 'UpdateItem']);
});

describe('compute time', () => {
  const carried = (ms: number) => {
    const state = { waiting: ms };
    const rider: Rider = {
      take() {
        const taken = state.waiting;
        state.waiting = 0;
        return taken === 0 ? null : { ms: taken, since: 0 };
      },
      giveBack(_tenantId, _day, { ms }) {
        state.waiting += ms;
      },
    };
    return { rider, state };
  };
  const compute = (gate: GateItem) => gate.u['2026-11-22.c'];

  it('rides on the next write of its tenant, a second try included, and is added to its day', async () => {
    const { wire, sent } = memoryWire();
    const k1 = keyFixture({ perSecond: 1, burst: 9 }, { tat: NOON + 5, aat: 0 });
    await putGate(wire, gateFixture({ k: { k1 } }));
    const { rider, state } = carried(70);
    const { gate } = gateOver(wire, { rider });
    await gate.admit(mappingFixture());
    expect(sent.filter((operation) => operation === 'UpdateItem')).toHaveLength(2);
    state.waiting = 5;
    await gate.admit(mappingFixture());
    expect([compute(await readGate(wire)), state.waiting]).toEqual([75, 0]);
  });

  it.each([
    [
      'throttled',
      [
        answered(400, 'ThrottlingException'),
        answered(400, 'ThrottlingException'),
        answered(400, 'ThrottlingException'),
      ],
      70,
    ],
    [
      'refused a connection',
      [
        { kind: 'unreachable' as const, message: '' },
        { kind: 'unreachable' as const, message: '' },
      ],
      70,
    ],
    ['lost the answer', [answered(500, 'InternalServerError')], 0],
  ])('of a write that %s goes back only when nothing was applied', async (_what, failures, left) => {
    const { wire, next } = memoryWire();
    await putGate(wire, gateFixture());
    const { rider, state } = carried(70);
    const { gate } = gateOver(wire, { rider });
    next.push(...failures);
    await gate.admit(mappingFixture());
    expect(state.waiting).toBe(left);
  });

  it('goes back when the caller is denied', async () => {
    const { wire } = memoryWire();
    await putGate(wire, gateFixture({ limit: 0 }));
    const { rider, state } = carried(70);
    await gateOver(wire, { rider }).gate.admit(mappingFixture());
    expect(state.waiting).toBe(70);
  });
});

it('shows each gate that a write left behind, and no other', async () => {
  const { wire } = memoryWire();
  await putGate(wire, gateFixture({ limit: 1 }));
  const seen: [GateItem, number][] = [];
  const { gate } = gateOver(wire, { onGate: (item, now) => seen.push([item, now]) });
  for (let i = 0; i < 3; i++) await gate.admit(mappingFixture());
  expect(seen.map(([item, now]) => [item.u, now])).toEqual([[{ '2026-11-22': 1 }, NOON]]);
});

it('logs an incident when it begins, and 10 s after its last doubt with the calls that it took', async () => {
  const { wire, next } = memoryWire();
  await putGate(wire, gateFixture());
  const { gate, lines, clock } = gateOver(wire);
  for (let i = 0; i < 5; i++) {
    next.push(answered(500, 'InternalServerError'));
    await gate.admit(mappingFixture());
    // A clear answer between does not end it.
    await gate.admit(mappingFixture());
    clock.now += 9_999_999;
  }
  await gate.admit(mappingFixture());
  expect(lines).toMatchObject([{ event: 'gate_ambiguous', reason: 'server_error', tenantId: 'acme' }]);
  clock.now += 1;
  await gate.admit(mappingFixture());
  await gate.admit(mappingFixture());
  expect(lines.slice(1)).toEqual([{ level: 'warn', event: 'gate_ambiguous_over', calls: 5 }]);
});

it('keeps to the burst and the rate when many sandboxes put a bucket ahead', async () => {
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 3_000 }), fc.nat({ max: 400_000 })), {
    minLength: 20,
    maxLength: 120,
  });
  const property = fc.asyncProperty(gaps, fc.infiniteStream(fc.nat({ max: 99 })), async (steps, draws) => {
    const { wire } = memoryWire();
    const [T, burst] = [1_000, 64];
    await putGate(wire, gateFixture({ k: { k1: keyFixture({ perSecond: 1_000, burst }) } }));
    let now = NOON;
    const draw = () => (draws.next().value as number) / 100;
    const gates = Array.from({ length: 4 }, () => gateOver(wire, { now: () => now, draw }).gate);
    const admitted: number[] = [];
    for (const [i, step] of steps.entries()) {
      now += step;
      for (let k = 0; k < 6; k++) {
        const { outcome } = await (gates[(i + k) % 4] as (typeof gates)[0]).admit(mappingFixture());
        if (outcome === 'allowed') admitted.push(now);
      }
    }
    admitted.forEach((from, i) => {
      for (let j = i; j < admitted.length; j++)
        expect(j - i + 1).toBeLessThanOrEqual(burst + Math.floor(((admitted[j] as number) - from) / T));
    });
  });
  await fc.assert(property, { numRuns: 25 });
});
