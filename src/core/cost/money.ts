import { addDecimals, type Decimal, formatDecimal, parseDecimal, ZERO } from '../decimal.ts';

/** Money as JSON shows it: the smallest unit of the currency, and the exact amount that it was rounded from. */
export interface Money {
  minor: number;
  currency: string;
  exact: string;
}

/** Money without the exact amount. */
export type Cents = Pick<Money, 'minor' | 'currency'>;

const NO_DIGITS = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF';
const THREE_DIGITS = 'BHD IQD JOD KWD LYD OMR TND';
const DIGITS = new Map([
  ...NO_DIGITS.split(' ').map((currency) => [currency, 0] as const),
  ...THREE_DIGITS.split(' ').map((currency) => [currency, 3] as const),
]);

/** Decimal places of a currency (ISO 4217). */
export const minorDigits = (currency: string): number => DIGITS.get(currency) ?? 2;

/** `units` are exact, of 10^-scale each; `minor` is what was made of them. */
export function moneyOf(
  minor: number | bigint,
  units: number | bigint,
  scale: number,
  currency: string,
): Money {
  return { minor: safe(minor, currency), currency, exact: formatDecimal({ units: BigInt(units), scale }) };
}

export const centsOf = (minor: number | bigint, currency: string): Cents => ({
  minor: safe(minor, currency),
  currency,
});

function safe(minor: number | bigint, currency: string): number {
  const amount = Number(minor);
  if (!Number.isSafeInteger(amount)) throw new RangeError(`${minor} ${currency} is too large for JSON`);
  return amount;
}

/** Whether amounts of such a size can be shown, and those of a year: no real bill comes near. */
export function isMoney({ units, scale }: Decimal, currency: string): boolean {
  const size = units < 0n ? -units : units;
  // Nearly all: below 10^11 of any currency.
  if (size < SURELY_MONEY) return true;
  return size * 10n ** BigInt(minorDigits(currency)) < MOST_MINOR * 10n ** BigInt(scale);
}
const SURELY_MONEY = 10n ** 11n;
const MOST_MINOR = BigInt(Number.MAX_SAFE_INTEGER) / 12n;

/** Amounts of one currency, in minor units and exactly. */
export const sumOfMoney = (amounts: readonly Money[], currency: string): Money => ({
  minor: amounts.reduce((sum, { minor }) => sum + minor, 0),
  currency,
  exact: formatDecimal(
    amounts.reduce((sum, { exact }) => addDecimals(sum, parseDecimal(exact) ?? ZERO), ZERO),
  ),
});

/** Of whole minor units. */
export const minorMoney = (minor: bigint, currency: string): Money =>
  moneyOf(minor, minor, minorDigits(currency), currency);
