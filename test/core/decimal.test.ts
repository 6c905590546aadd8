import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDecimals,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  rescaled,
  rounded,
  significantDigits,
} from '../../src/core/decimal.ts';

const of = (text: string) => {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(text);
  return decimal;
};

describe('an exact decimal', () => {
  it.each([
    ['0', '0'],
    ['-0.00', '0'],
    ['1.50', '1.5'],
    ['-12.034', '-12.034'],
    ['1e3', '1000'],
    ['1.5e-7', '0.00000015'],
    ['999999999999999999999.9', '999999999999999999999.9'],
  ])('%s is written %s', (text, written) => expect(formatDecimal(of(text))).toBe(written));

  it.each(['', '.5', '1.', '1,5', 'NaN', '0x1', ' 1', '1e', '--1'])('%j is none', (text) =>
    expect(parseDecimal(text)).toBeNull(),
  );

  it('adds and multiplies what doubles cannot', () => {
    expect(formatDecimal(addDecimals(of('0.1'), of('0.2')))).toBe('0.3');
    expect(formatDecimal(multiplyDecimals(of('9007199254740993'), of('1.1')))).toBe('9907919180215092.3');
  });

  it('agrees with whole numbers at any scale', () => {
    const amount = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n });
    fc.assert(
      fc.property(amount, amount, fc.nat(12), fc.nat(12), (a, b, m, n) => {
        const sum = addDecimals({ units: a, scale: m }, { units: b, scale: n });
        expect(rescaled(sum, 12)).toBe(a * 10n ** BigInt(12 - m) + b * 10n ** BigInt(12 - n));
      }),
    );
  });

  it.each([
    ['0.5', 1n],
    ['0.49999', 0n],
    ['-0.5', -1n],
    ['-1.4', -1n],
    ['2', 2n],
  ])('%s rounds to %s', (text, whole) => expect(rounded(of(text))).toBe(whole));

  it('counts the digits that matter', () =>
    expect(
      ['1500', '0.0150', '0', '123456789012345', '100000000000000000001'].map((text) =>
        significantDigits(of(text)),
      ),
    ).toEqual([2, 2, 0, 15, 21]));

  it('has no answer where places would be lost', () => expect(rescaled(of('1.234'), 2)).toBeNull());
});
