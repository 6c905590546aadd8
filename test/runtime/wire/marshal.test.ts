import fc from 'fast-check';
import { expect, it } from 'vitest';
import { marshal, marshalItem, unmarshal, unmarshalItem } from '../../../src/runtime/wire/marshal.ts';

const { stored } = fc.letrec<{ stored: unknown }>((tie) => ({
  stored: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('stored'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('stored'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

it('brings back what was stored, after a trip through text', () => {
  // -0 is stored as 0.
  const plain = stored.map((value) => JSON.parse(JSON.stringify(value)));
  const property = fc.property(plain, (value) => {
    expect(unmarshal(JSON.parse(JSON.stringify(marshal(value))))).toEqual(value);
  });
  fc.assert(property);
});

it("is DynamoDB's own JSON", () => {
  expect(marshalItem({ s: 'a', n: 1, b: true, z: null, l: ['x'], m: { n: -2 }, none: undefined })).toEqual({
    s: { S: 'a' },
    n: { N: '1' },
    b: { BOOL: true },
    z: { NULL: true },
    l: { L: [{ S: 'x' }] },
    m: { M: { n: { N: '-2' } } },
  });
});

it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1n, () => 1, undefined])(
  'refuses to store %s',
  (value) => {
    expect(() => marshal(value)).toThrow(TypeError);
  },
);

it.each([
  null,
  1,
  'text',
  [[]],
  {},
  { N: 1 },
  { N: '' },
  { N: 'x' },
  { S: 1 },
  { SS: ['a'] },
  { S: 'a', N: '1' },
  { M: [] },
  { L: {} },
])('refuses to read %j', (value) => {
  expect(() => unmarshal(value)).toThrow(TypeError);
});

it('keeps an attribute named __proto__ an attribute', () => {
  const item = unmarshalItem(JSON.parse('{"__proto__":{"M":{"admin":{"BOOL":true}}}}'));
  expect(Object.keys(item)).toEqual(['__proto__']);
  expect((item as { admin?: boolean }).admin).toBeUndefined();
});
