import { expect, it } from 'vitest';
import { createLru } from '../../src/runtime/lru.ts';

it('forgets what was used longest ago, and never holds more than its bound', () => {
  const lru = createLru<number>(2);
  lru.set('a', 1);
  lru.set('b', 2);
  lru.get('a');
  lru.set('c', 3);
  expect(['a', 'b', 'c'].map(lru.get)).toEqual([1, undefined, 3]);
  lru.set('a', 4);
  lru.set('d', 5);
  expect(['a', 'c', 'd'].map(lru.get)).toEqual([4, undefined, 5]);
  lru.delete('a');
  expect(lru.get('a')).toBeUndefined();
});

it('weighs its entries where it is told how, and keeps the last one whatever it weighs', () => {
  const lru = createLru<number>(10, (weight) => weight);
  const held = () => ['a', 'b', 'c'].map(lru.get);
  lru.set('a', 4);
  lru.set('b', 6);
  expect(held()).toEqual([4, 6, undefined]);
  lru.set('a', 3);
  lru.set('c', 1);
  expect(held()).toEqual([3, 6, 1]);
  lru.delete('b');
  lru.set('c', 7);
  expect(held()).toEqual([3, undefined, 7]);
  lru.set('b', 99);
  expect(held()).toEqual([undefined, 99, undefined]);
});
