import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guessBranch, learn, type SeenBucket } from '../../../src/core/gate/guess.ts';
import type { GateKey } from '../../../src/core/gate/layout.ts';
import { gateFixture, keyFixture, NOON } from '../../fixtures/gate.ts';
import { gateInMemory } from './gcra.ts';

const never = () => 1;
const always = () => 0;
const alone = (tat: number): SeenBucket => ({ tat, lead: 600, sharedUntil: 0, stale: 'full' });
const shared = (tat: number, stale: 'full' | 'part' = 'full') => ({
  ...alone(tat),
  sharedUntil: NOON * 2,
  stale,
});

describe('the guess of a sandbox alone', () => {
  it('is full for a key never seen and for a bucket that has filled, part before', () => {
    expect(guessBranch(undefined, NOON, always)).toEqual({ branch: 'full', lead: 0 });
    expect(guessBranch(alone(NOON), NOON, always)).toEqual({ branch: 'full', lead: 0 });
    expect(guessBranch(alone(NOON + 1), NOON, always)).toEqual({ branch: 'part', lead: 0 });
  });

  it('is always right: one write a call', () => {
    const gaps = fc.array(fc.nat({ max: 3_000_000 }), { minLength: 1, maxLength: 40 });
    const property = fc.property(gaps, (steps) => {
      const gate = gateInMemory(gateFixture({ k: { k1: keyFixture({ perSecond: 1, burst: 4 }) } }));
      let seen: SeenBucket | undefined;
      let now = NOON;
      for (const step of steps) {
        now += step;
        const { branch, lead } = guessBranch(seen, now, always);
        expect(lead).toBe(0);
        gate.call(now, branch);
        expect(gate.tries()).toBe(1);
        seen = learn(seen, gate.gate().k['k1'] as GateKey, { now, first: branch, right: branch });
      }
    });
    fc.assert(property, { numRuns: 200 });
  });
});

describe('the guess of one of many', () => {
  it('is part while the bucket is ahead, and now and then renews a lead that is half used up', () => {
    expect(guessBranch(shared(NOON + 301), NOON, always)).toEqual({ branch: 'part', lead: 600 });
    expect(guessBranch(shared(NOON + 299), NOON, never)).toEqual({ branch: 'part', lead: 600 });
    expect(guessBranch(shared(NOON + 299), NOON, always)).toEqual({ branch: 'full', lead: 600 });
  });

  it('is what was right last time once nothing fresh is known', () => {
    expect(guessBranch(shared(NOON), NOON, always).branch).toBe('full');
    expect(guessBranch(shared(NOON, 'part'), NOON, always).branch).toBe('part');
  });

  it('begins with a wrong guess and ends a minute after the last', () => {
    const key = keyFixture({ perSecond: 100, burst: 160 }, { tat: NOON + 5 });
    const wrong = learn(undefined, key, { now: NOON, first: 'full', right: 'part' });
    expect(wrong).toEqual({ tat: NOON + 5, lead: 100_000, sharedUntil: NOON + 60_000_000, stale: 'full' });
    const later = NOON + 60_000_000;
    expect(guessBranch({ ...wrong, tat: later }, later - 1, always).lead).toBe(100_000);
    expect(guessBranch({ ...wrong, tat: later }, later, always).lead).toBe(0);
  });

  it('takes no lead from a burst too small to spare a sixteenth', () => {
    const seen = learn(undefined, keyFixture({ perSecond: 1, burst: 15 }), {
      now: NOON,
      first: 'full',
      right: 'part',
    });
    expect(seen.lead).toBe(0);
  });
});
