import { describe, expect, it } from 'vitest';
import { floating, naive, problemsOf, type Reporter } from './adds-up.ts';
import { randomMonth } from './bills.ts';

const TRIALS = 500;
const BROKEN_TRIALS = 300;
const caught = (report: Reporter): number => {
  let count = 0;
  for (let seed = 0; seed < BROKEN_TRIALS; seed++)
    if (problemsOf(randomMonth(seed), report).length > 0) count++;
  return count;
};

describe('rows, columns and reasons add up to the bill', () => {
  it('in 500 random months, exactly and in cents, by tenant, service and feature', () => {
    for (let seed = 0; seed < TRIALS; seed++)
      expect(problemsOf(randomMonth(seed)), `seed ${seed}`).toEqual([]);
  });

  it('is not so where every row is rounded by itself', () => {
    expect(caught(naive)).toBeGreaterThan(BROKEN_TRIALS / 2);
  });

  it('is not so with floating-point amounts', () => {
    expect(caught(floating)).toBeGreaterThan(BROKEN_TRIALS / 4);
  });
});
