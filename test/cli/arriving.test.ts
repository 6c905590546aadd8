import { expect, it } from 'vitest';
import { arriving } from '../../src/commands/arriving.ts';

it('a list of what is found comes as it is found, in order', async () => {
  let go = () => {};
  const more = new Promise<void>((resolve) => {
    go = resolve;
  });
  const list = arriving<number>(async (found) => {
    found(1);
    await more;
    found(2);
    found(3);
  });
  expect(await list.next()).toEqual({ value: 1, done: false });
  go();
  const rest: number[] = [];
  for await (const item of list) rest.push(item);
  expect(rest).toEqual([2, 3]);
});

it('work that fails, fails the list, after what it had found', async () => {
  const list = arriving<number>(async (found) => {
    found(1);
    throw new Error('the sink is down');
  });
  expect((await list.next()).value).toBe(1);
  await expect(list.next()).rejects.toThrow('the sink is down');
});
