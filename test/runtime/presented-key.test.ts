import { expect, it } from 'vitest';
import { presentedKey } from '../../src/runtime/presented-key.ts';

const headers = (value: unknown, name = 'x-api-key') => presentedKey({ headers: { [name]: value } });

it.each(['x-api-key', 'X-Api-Key', 'X-API-KEY'])('finds the key under %s', (name) => {
  expect(headers('anb_live_1', name)).toEqual({ kind: 'key', key: 'anb_live_1' });
});

it.each([undefined, null, 'x', 7, [], {}, { headers: null }, { headers: 'x-api-key' }, { headers: {} }])(
  'finds none in %j',
  (event) => {
    expect(presentedKey(event)).toEqual({ kind: 'none' });
  },
);

it.each([undefined, null, ''])('takes the header %j for none', (value) => {
  expect(headers(value)).toEqual({ kind: 'none' });
});

it.each([
  ['a duplicate that was joined', 'key1,key1'],
  ['a space', 'key 1'],
  ['a space before', ' key1'],
  ['a line break', 'key1\nx-api-key: key2'],
  ['a NUL', 'key1\0'],
  ['what is not ASCII', 'kéy'],
  ['an emoji', '🔑'],
  ['half a surrogate', '\ud800'],
  ['100 KB', 'a'.repeat(102_400)],
  ['a number', 7],
  ['a list', ['key1']],
  ['an object', { toString: () => 'key1' }],
])('cannot use %s', (_what, value) => {
  expect(headers(value)).toEqual({ kind: 'unusable' });
});

it('cannot use two headers that differ in case', () => {
  expect(presentedKey({ headers: { 'x-api-key': 'a', 'X-Api-Key': 'a' } })).toEqual({ kind: 'unusable' });
});
