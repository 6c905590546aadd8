import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Decimal,
  fromAttribute,
  fromAttributes,
  toAttribute,
  toAttributes,
} from '../../../src/runtime/tenant-data/values.ts';

const text = fc.string({ unit: 'grapheme' });
const number = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter(
    (each) =>
      !Object.is(each, -0) &&
      (Number.isSafeInteger(each) || !Number.isInteger(each)) &&
      (each === 0 || (Math.abs(each) >= 1e-130 && Math.abs(each) < 9e125)),
  );
const bytes = fc.uint8Array({ maxLength: 20 });
const scalar = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  bytes,
  fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.uniqueArray(text, { minLength: 1, maxLength: 4 }).map((each) => new Set(each)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'S')), tie('value'), {
      maxKeys: 4,
    }),
  ),
})).value;

/** As it comes back: a small bigint as a number. */
const back = (each: unknown): unknown => {
  if (typeof each === 'bigint') return Number.isSafeInteger(Number(each)) ? Number(each) : each;
  if (Array.isArray(each)) return each.map(back);
  if (typeof each !== 'object' || each === null || each instanceof Uint8Array || each instanceof Set)
    return each;
  return Object.fromEntries(Object.entries(each).map(([name, inner]) => [name, back(inner)]));
};

describe('values', () => {
  it('come back as they went, over JSON', () => {
    fc.assert(
      fc.property(value, (each) => {
        expect(fromAttribute(JSON.parse(JSON.stringify(toAttribute(each))))).toEqual(back(each));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['1E+21', 1000000000000000000000n],
    ['12345678901234567890123456789012345678', 12345678901234567890123456789012345678n],
    ['0.1', 0.1],
    ['0.10', 0.1],
    ['1E-7', 1e-7],
    ['-0.5', -0.5],
    ['0', 0],
    ['0.00', 0],
    ['100', 100],
    ['1e2', 100],
    ['0.12345678901234567890', new Decimal('0.12345678901234567890')],
    ['9007199254740992.5', new Decimal('9007199254740992.5')],
    ['1.00000000000000000001', new Decimal('1.00000000000000000001')],
  ])('the number %s is read as %o', (stored, read) => {
    expect(fromAttribute({ N: stored })).toEqual(read);
  });

  it('a reader that trusts Number would round, and be seen', () => {
    for (const stored of ['9007199254740993', '0.12345678901234567890'])
      expect(String(Number(stored))).not.toBe(stored);
    expect(String(fromAttribute({ N: '9007199254740993' }))).toBe('9007199254740993');
    expect(String(fromAttribute({ N: '0.12345678901234567890' }))).toBe('0.12345678901234567890');
  });

  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e126,
    5e-324,
    2 ** 53,
    1e21,
    10n ** 38n + 1n,
    Symbol('x'),
    () => 1,
    undefined,
    new Date(0),
    new Map(),
    /x/,
    Promise.resolve(),
    new Set(),
    new Set(['a', 1]),
    new Set([{}]),
    [undefined],
    '\ud800',
    { '\udc00': 1 },
    Array.from({ length: 40 }).reduce((inner) => [inner], []),
  ])('%o cannot be stored', (bad) => {
    expect(() => toAttribute(bad)).toThrow(TypeError);
  });

  it('a circle ends', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => toAttributes(circle)).toThrow(TypeError);
  });

  it('an attribute named as a prototype stays an attribute', () => {
    const read = fromAttributes(
      JSON.parse('{"__proto__":{"M":{"polluted":{"BOOL":true}}},"constructor":{"S":"x"}}'),
    );
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(JSON.stringify(toAttributes(read))).toContain('"__proto__":{"M"');
  });

  it.each(['', 'x', '1,5', '0x10', '1e', '--1', 'NaN', '1'.repeat(39)])('%j is no Decimal', (bad) => {
    expect(() => new Decimal(bad)).toThrow(TypeError);
  });

  it.each([
    {},
    { S: 1 },
    { N: 'x' },
    { N: 1 },
    { S: 'a', N: '1' },
    { X: 1 },
    null,
    'x',
    { L: {} },
    { SS: [1] },
  ])('%j is no attribute value', (bad) => {
    expect(() => fromAttribute(bad)).toThrow(TypeError);
  });
});
