import { describe, expect, it } from 'vitest';
import { BROKEN } from './designs.ts';
import { schedule, sound } from './schedule.ts';

it('bills every unit once, whatever is lost, overlaps or dies', async () => {
  let [attempts, duplicates] = [0, 0];
  for (let seed = 1; seed <= 150; seed++) {
    const { over, under, open, world } = await schedule(seed, sound);
    expect({ seed, over, under, open }).toEqual({ seed, over: 0, under: 0, open: 0 });
    attempts += world.attempts;
    duplicates += world.duplicates;
  }
  // The schedules are worth something: much is sent, and much of it again.
  expect(attempts).toBeGreaterThan(1000);
  expect(duplicates).toBeGreaterThan(50);
});

describe('catches', () => {
  it.each(Object.entries(BROKEN))('%s', async (_name, design) => {
    const caught = [];
    for (let seed = 1; seed <= 400 && caught.length < 2; seed++) {
      const { over, under } = await schedule(seed, design);
      if (over + under > 0) caught.push(seed);
    }
    expect(caught).toHaveLength(2);
  });
});
