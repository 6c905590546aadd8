import { expect, it } from 'vitest';
import { renewing } from '../../src/runtime/provided-credentials.ts';

const HOUR = 3_600_000;

/** A provider whose keys live an hour and are numbered. */
function provider() {
  const state = { now: 0, asked: 0, fails: false };
  const source = renewing(
    async () => {
      state.asked += 1;
      if (state.fails) throw new Error('no role');
      const expiration = new Date(state.now + HOUR);
      return { accessKeyId: `key${state.asked}`, secretAccessKey: 's', expiration };
    },
    () => state.now,
  );
  return { state, source, id: async () => (await source()).accessKeyId };
}

it('asks once, whoever waits, and keeps the answer until five minutes before its end', async () => {
  const { state, id } = provider();
  expect(await Promise.all([id(), id(), id()])).toEqual(['key1', 'key1', 'key1']);
  state.now = HOUR - 300_001;
  expect(await id()).toBe('key1');
  expect(state.asked).toBe(1);
});

it('renews behind the callers’ backs while the old ones hold, and before them once they do not', async () => {
  const { state, id } = provider();
  await id();
  state.now = HOUR - 300_000;
  expect(await id()).toBe('key1');
  expect(await id()).toBe('key2');
  state.now += 2 * HOUR;
  expect(await id()).toBe('key3');
});

it('lives on the old ones while renewal fails, then says why, and asks no more than once a second', async () => {
  const { state, id } = provider();
  await id();
  state.fails = true;
  state.now = HOUR - 1;
  expect(await id()).toBe('key1');
  state.now = HOUR;
  await expect(id()).rejects.toThrow('no role');
  await expect(id()).rejects.toThrow('no role');
  expect(state.asked).toBe(2);
});
