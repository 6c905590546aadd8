import { expect, it } from 'vitest';
import { ours, problemsOf } from './adds-up.ts';
import { randomMonth, smallMonth } from './bills.ts';

it('20,000 random bills under random policies add up, to the last digit and in cents, however they are shown', () => {
  let apart = 0;
  for (let seed = 0; seed < 20_000; seed++) {
    // Every other one is small enough for plain numbers.
    const month = seed % 2 === 0 ? smallMonth(seed) : randomMonth(seed);
    if (problemsOf(month).length === 0) continue;
    apart++;
    expect(problemsOf(month, ours, 2n), `seed ${seed}`).toEqual([]);
  }
  // Each amount rounded up or down by itself, and every sum right: some bills cannot have both.
  expect(apart).toBeLessThan(20);
});
