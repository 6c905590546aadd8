import fc from 'fast-check';
import { expect, it } from 'vitest';
import { guessBranch } from '../../../src/core/gate/guess.ts';
import { gateFixture, keyFixture, NOON } from '../../fixtures/gate.ts';
import { gateInMemory } from './gcra.ts';

it('guesses full for a key never seen and for a bucket that has filled, part before', () => {
  expect(guessBranch(undefined, NOON)).toBe('full');
  expect(guessBranch(NOON, NOON)).toBe('full');
  expect(guessBranch(NOON + 1, NOON)).toBe('part');
});

it('is always right for one sandbox: one write a call', () => {
  const gaps = fc.array(fc.nat({ max: 3_000_000 }), { minLength: 1, maxLength: 40 });
  const property = fc.property(gaps, (steps) => {
    const gate = gateInMemory(gateFixture({ k: { k1: keyFixture({ perSecond: 1, burst: 4 }) } }));
    let now = NOON;
    for (const step of steps) {
      now += step;
      gate.call(now, guessBranch(gate.gate().k['k1']?.tat, now));
      expect(gate.tries()).toBe(1);
    }
  });
  fc.assert(property, { numRuns: 200 });
});
