import { expect, it } from 'vitest';
import { schedule } from './schedule.ts';

const SCHEDULES = 20_000;

it(`bills every unit once in ${SCHEDULES} random schedules`, async () => {
  const wrong: unknown[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { over, under, open } = await schedule(seed);
    if (over + under + open > 0) wrong.push({ seed, over, under, open });
  }
  expect(wrong).toEqual([]);
});
