import { describe, expect, it } from 'vitest';
import { BROKEN } from './designs.ts';
import { carrying, type Design, schedule, sound } from './schedule.ts';
import { differenceInAll } from './world.ts';

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

it('bills every unit once where it is carried to another day', async () => {
  let carried = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const { open, world } = await schedule(seed, carrying);
    expect({ seed, ...differenceInAll(world), open }).toEqual({ seed, over: 0, under: 0, open: 0 });
    carried += [...world.rows.values()].filter(({ carriedOut }) => carriedOut > 0).length;
  }
  expect(carried).toBeGreaterThan(500);
});

describe('catches', () => {
  it('rows that are found by their usage alone', async () => {
    const blind: Design = (options, world) => {
      const { ledger, ...others } = carrying(options, world);
      return { ...others, ledger: { ...ledger, rowsOf: async () => [] } };
    };
    let caught = 0;
    for (let seed = 1; seed <= 400 && caught < 2; seed++) {
      const { world } = await schedule(seed, blind);
      if (differenceInAll(world).under > 0) caught++;
    }
    expect(caught).toBe(2);
  });

  it.each(Object.entries(BROKEN))('%s', async (_name, design) => {
    const caught = [];
    for (let seed = 1; seed <= 400 && caught.length < 2; seed++) {
      const { over, under } = await schedule(seed, design);
      if (over + under > 0) caught.push(seed);
    }
    expect(caught).toHaveLength(2);
  });
});
