import { expect, it } from 'vitest';
import { problemsOf } from './adds-up.ts';
import { randomMonth } from './bills.ts';

it('20,000 random bills under random policies add up, to the last digit and in cents, however they are shown', () => {
  for (let seed = 0; seed < 20_000; seed++) expect(problemsOf(randomMonth(seed)), `seed ${seed}`).toEqual([]);
});
