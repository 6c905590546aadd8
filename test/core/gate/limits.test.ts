import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateKey } from '../../../src/core/gate/layout.ts';
import {
  bucketStanding,
  nextMonth,
  quotaStanding,
  rateLimitHeaders,
  secondsUntil,
} from '../../../src/core/gate/limits.ts';
import { gateFixture, keyFixture, NOON } from '../../fixtures/gate.ts';
import { gateInMemory } from './gcra.ts';

const utc = (...date: [number, number, number]) => Date.UTC(...date) * 1000;

describe('the RateLimit fields', () => {
  it('say what is left of the burst and when it is whole again', () => {
    const gate = gateInMemory(gateFixture({ k: { k1: keyFixture({ perSecond: 50, burst: 100 }) } }));
    gate.call(NOON, 'full');
    expect(rateLimitHeaders(gate.gate(), 'k1', NOON)).toEqual({
      ratelimit: '"rate";r=99;t=1',
      'ratelimit-policy': '"rate";q=100;w=2',
    });
  });

  it('have the month beside it where the month is limited', () => {
    const gate = gateInMemory(
      gateFixture({ limit: 1000, k: { k1: keyFixture({ perSecond: 5, burst: 10 }) } }),
    );
    gate.call(NOON, 'full');
    const rest = 8 * 86_400 + 43_200;
    expect(rateLimitHeaders(gate.gate(), 'k1', NOON)).toEqual({
      ratelimit: `"rate";r=9;t=1, "quota";r=999;t=${rest}`,
      'ratelimit-policy': `"rate";q=10;w=2, "quota";q=1000;w=${30 * 86_400}`,
    });
  });

  it('never have more left than there is, also with a lease beside a full bucket', () => {
    const gate = gateFixture({ k: { k1: keyFixture({ perSecond: 50, burst: 100 }) } });
    expect(rateLimitHeaders(gate, 'k1', NOON, 2)?.ratelimit).toBe('"rate";r=100;t=0');
  });

  it('are absent where nothing limits the key', () => {
    expect(rateLimitHeaders(gateFixture(), 'k1', NOON)).toBeNull();
  });

  it('leave the month out where overage is billed', () => {
    const billed = gateFixture({ calls: 100, m: { '2026-11': 500 } });
    expect(quotaStanding(billed, NOON)).toBeNull();
  });

  it('stay within what a structured field can carry', () => {
    const headers = rateLimitHeaders(gateFixture({ limit: 8_999_999_999_999_999 }), 'k1', NOON);
    expect(headers?.ratelimit).toMatch(/^"quota";r=999999999999999;t=\d+$/);
  });
});

describe('what is left of a burst', () => {
  it('is exactly how many calls still pass at that instant', () => {
    const gaps = fc.array(fc.nat({ max: 2_500_000 }), { minLength: 1, maxLength: 20 });
    const property = fc.property(fc.integer({ min: 1, max: 6 }), gaps, (burst, steps) => {
      const gate = gateInMemory(gateFixture({ k: { k1: keyFixture({ perSecond: 1, burst }) } }));
      let now = NOON;
      for (const step of steps) {
        now += step;
        gate.call(now, 'full');
      }
      const standing = bucketStanding(gate.gate().k['k1'] as GateKey, now);
      let passed = 0;
      while ('allowed' in gate.call(now, 'part')) passed += 1;
      expect(standing).toMatchObject({ burst, remaining: passed });
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('is the whole burst for a key that was never used', () => {
    expect(bucketStanding(keyFixture({ perSecond: 1, burst: 6 }), NOON)).toEqual({
      burst: 6,
      remaining: 6,
      resetAt: 0,
    });
  });
});

describe('times', () => {
  it('start the next month at midnight UTC, also in December and in a leap year', () => {
    expect(nextMonth(utc(2026, 11, 31) + 1)).toBe(utc(2027, 0, 1));
    expect(nextMonth(utc(2028, 1, 29))).toBe(utc(2028, 2, 1));
    expect(nextMonth(utc(2026, 10, 1))).toBe(utc(2026, 11, 1));
  });

  it('are whole seconds, rounded up, at least one', () => {
    expect([0, 1, 1_000_000, 1_000_001].map((until) => secondsUntil(NOON + until, NOON))).toEqual([
      1, 1, 1, 2,
    ]);
  });
});
