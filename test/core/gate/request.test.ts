import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/core/gate/decide.ts';
import { bucketOf } from '../../../src/core/gate/layout.ts';
import { gateRequest } from '../../../src/core/gate/request.ts';
import { gateFixture, keyFixture, NOON } from '../../fixtures/gate.ts';
import { applyUpdate, InvalidUpdate } from './expressions.ts';
import { gateInMemory } from './gcra.ts';
import { followsGcra, schedules } from './schedules.ts';

const HOUR = 3_600_000_000;

describe('the gate', () => {
  it("gives GCRA's own decisions on random schedules, whatever branch is guessed", () => {
    fc.assert(
      fc.property(schedules, (schedule) => followsGcra(schedule)),
      { numRuns: 3_000 },
    );
  });

  it('is caught when a full bucket is put one interval too far back: (burst − 1) · T lets one call too many pass', () => {
    const wrong = (rate: { perSecond: number; burst: number }) => {
      const { T } = bucketOf(rate);
      return { T, bm: (rate.burst - 1) * T };
    };
    expect(fc.check(fc.property(schedules, (schedule) => followsGcra(schedule, wrong))).failed).toBe(true);
  });

  it('never admits more than burst + elapsed / T in any window', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 60 });
    const property = fc.property(fc.integer({ min: 1, max: 6 }), gaps, (burst, steps) => {
      const T = 10_000;
      const gate = gateInMemory(gateFixture({ k: { k1: keyFixture({ perSecond: 100, burst }) } }));
      const admitted: number[] = [];
      let now = NOON;
      for (const step of steps) {
        now += step * 1_000;
        if ('allowed' in gate.call(now, 'full')) admitted.push(now);
      }
      admitted.forEach((from, i) => {
        admitted.slice(i).forEach((to, count) => {
          expect(count + 1).toBeLessThanOrEqual(burst + Math.floor((to - from) / T));
        });
      });
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('counts a call in its UTC month and day, and the quota starts anew with the month', () => {
    const midnight = Date.UTC(2026, 11, 1) * 1000;
    const gate = gateInMemory(gateFixture({ limit: 2 }));
    expect(gate.call(midnight - HOUR, 'full')).toEqual({ allowed: true });
    expect(gate.call(midnight - 1, 'full')).toEqual({ allowed: true });
    expect(gate.call(midnight - 1, 'full')).toEqual({ denied: 'quota', retryAt: midnight });
    expect(gate.call(midnight, 'full')).toEqual({ allowed: true });
    expect(gate.gate().m).toEqual({ '2026-11': 2, '2026-12': 1 });
    expect(gate.gate().u).toEqual({ '2026-11-30': 2, '2026-12-01': 1 });
  });

  it('lets an unlimited key through at one instant as often as it likes, also when a clock runs behind', () => {
    const gate = gateInMemory(gateFixture());
    for (const now of [NOON, NOON, NOON + HOUR, NOON - HOUR, NOON]) {
      expect(gate.call(now, 'full')).toEqual({ allowed: true });
      expect(gate.call(now, 'part')).toEqual({ allowed: true });
    }
    expect(gate.gate().m).toEqual({ '2026-11': 10 });
  });

  it('stamps the last use', () => {
    const gate = gateInMemory(gateFixture());
    gate.call(NOON, 'full');
    expect(gate.gate().k['k1']?.lu).toBe(NOON);
  });

  it('needs a second try for a wrong guess, and one for a right one', () => {
    const gate = gateInMemory(gateFixture({ k: { k1: keyFixture({ perSecond: 1, burst: 5 }) } }));
    gate.call(NOON, 'full');
    expect(gate.tries()).toBe(1);
    gate.call(NOON, 'full');
    expect(gate.tries()).toBe(2);
    gate.call(NOON, 'part');
    expect(gate.tries()).toBe(1);
  });

  it('finds only its own entries under names that objects inherit', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      const gate = gateInMemory(gateFixture());
      const answers = [
        gate.call(NOON, 'full', { tenantId: 'acme', keyId: name, secretId: 's1' }),
        gate.call(NOON, 'full', { tenantId: 'acme', keyId: 'k1', secretId: name }),
      ];
      expect(answers).toEqual([{ denied: 'revoked' }, { denied: 'revoked' }]);
    }
  });
});

describe('a refusal', () => {
  const call = (gate: Parameters<typeof gateInMemory>[0], now = NOON) => gateInMemory(gate).call(now, 'full');
  const expired = { k1: keyFixture(undefined, { s: { s1: NOON } }) };
  const empty = { k1: keyFixture({ perSecond: 1, burst: 1 }, { tat: NOON + 5, aat: NOON + 5 }) };

  it('is unknown when there is no such tenant', () => {
    const request = { tenantId: 'acme', keyId: 'k1', secretId: 's1', now: NOON, branch: 'full' as const };
    const answer = applyUpdate(null, gateRequest(request));
    expect(decide(request, answer)).toEqual({ denied: 'identity', reason: 'unknown' });
  });

  it('is revoked when the key or the secret is gone', () => {
    expect(call(gateFixture({ k: {} }))).toEqual({ denied: 'revoked' });
    expect(call(gateFixture({ k: { k1: keyFixture(undefined, { s: { s2: NOON * 2 } }) } }))).toEqual({
      denied: 'revoked',
    });
  });

  it('is expired from the very microsecond on', () => {
    expect(call(gateFixture({ k: expired }), NOON - 1)).toEqual({ allowed: true });
    expect(call(gateFixture({ k: expired }), NOON)).toEqual({ denied: 'expired' });
  });

  it('is suspended when the tenant is suspended or deleted', () => {
    expect(call(gateFixture({ status: 'suspended' }))).toEqual({ denied: 'suspended' });
    expect(call(gateFixture({ status: 'deleted' }))).toEqual({ denied: 'suspended' });
  });

  it('is the quota when the month is used up, or there was none', () => {
    const retryAt = Date.UTC(2026, 11, 1) * 1000;
    expect(call(gateFixture({ limit: 0 }))).toEqual({ denied: 'quota', retryAt });
    expect(call(gateFixture({ limit: 7, m: { '2026-11': 7 } }))).toEqual({ denied: 'quota', retryAt });
    expect(call(gateFixture({ limit: 7, m: { '2026-11': 6 } }))).toEqual({ allowed: true });
  });

  it('is the rate when the bucket is empty, and passes at the time it names', () => {
    expect(call(gateFixture({ k: empty }))).toEqual({ denied: 'rate', retryAt: NOON + 5 });
    expect(call(gateFixture({ k: empty }), NOON + 4)).toEqual({ denied: 'rate', retryAt: NOON + 5 });
    expect(call(gateFixture({ k: empty }), NOON + 5)).toEqual({ allowed: true });
  });

  it('gives the first of revoked, expired, suspended, quota, rate', () => {
    const all = { status: 'suspended' as const, limit: 0 };
    const emptyExpired = { k1: { ...empty.k1, s: { s1: NOON } } };
    expect(call(gateFixture({ ...all, k: {} }))).toEqual({ denied: 'revoked' });
    expect(call(gateFixture({ ...all, k: emptyExpired }))).toEqual({ denied: 'expired' });
    expect(call(gateFixture({ ...all, k: empty }))).toEqual({ denied: 'suspended' });
    expect(call(gateFixture({ limit: 0, k: empty }))).toMatchObject({ denied: 'quota' });
  });

  it('changes nothing', () => {
    const gate = gateInMemory(gateFixture({ limit: 0 }));
    gate.call(NOON, 'full');
    expect(gate.gate()).toEqual(gateFixture({ limit: 0 }));
  });
});

describe('a gate that lacks an attribute', () => {
  const without = (...path: string[]) => {
    const gate = structuredClone(gateFixture()) as unknown as Record<string, unknown>;
    const parent = path.slice(0, -1).reduce((tree, name) => tree[name] as Record<string, unknown>, gate);
    delete parent[path.at(-1) as string];
    return gate as unknown as ReturnType<typeof gateFixture>;
  };

  it.each([['m'], ['u'], ['limit'], ['k', 'k1', 'tat']])(
    'is broken, and counts nothing, without %s %s %s',
    (...path) => {
      const gate = gateInMemory(without(...path.filter(Boolean)));
      expect(gate.call(NOON, 'full')).toEqual({ denied: `broken: ${path.filter(Boolean).join('.')}` });
    },
  );

  it.each(['T', 'bm'])('makes the update invalid without %s', (part) => {
    expect(() => gateInMemory(without('k', 'k1', part)).call(NOON, 'full')).toThrow(InvalidUpdate);
  });

  it.each([['plan'], ['calls'], ['bytes'], ['users']])('authorises nothing without %s', (part) => {
    expect(gateInMemory(without(part)).call(NOON, 'full')).toEqual({ denied: `broken: ${part}` });
  });

  it('is broken when the condition failed though nothing stood in the way', () => {
    const request = { tenantId: 'acme', keyId: 'k1', secretId: 's1', now: NOON, branch: 'full' as const };
    expect(decide(request, { applied: false, item: gateFixture() })).toEqual({ broken: 'condition' });
  });
});
