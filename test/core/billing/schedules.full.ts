import { expect, it } from 'vitest';
import { carrying, schedule } from './schedule.ts';
import { differenceInAll } from './world.ts';

const SCHEDULES = 20_000;

it(`bills every unit once in ${SCHEDULES} random schedules`, async () => {
  const wrong: unknown[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { over, under, open } = await schedule(seed);
    if (over + under + open > 0) wrong.push({ seed, over, under, open });
  }
  expect(wrong).toEqual([]);
});

it(`carries every unit once in ${SCHEDULES} random schedules`, async () => {
  const wrong: unknown[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { open, world } = await schedule(seed, carrying);
    const { over, under } = differenceInAll(world);
    if (over + under + open > 0) wrong.push({ seed, over, under, open });
  }
  expect(wrong).toEqual([]);
});
