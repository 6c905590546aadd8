/**
 * Arithmetic on whole numbers, always exact: in JavaScript's numbers where everything is small enough, which is
 * several times as fast, otherwise in bigints.
 */
export interface Whole<T extends number | bigint> {
  readonly zero: T;
  readonly one: T;
  of(amount: bigint): T;
  plus(a: T, b: T): T;
  minus(a: T, b: T): T;
  times(a: T, b: T): T;
  /** `a / b`, rounded down; `b` is positive. */
  floor(a: T, b: T): T;
  /** `total × part / of`, rounded down; none is negative, and `part` is at most `of`. */
  share(total: T, part: number | bigint, of: number | bigint): T;
}

/** Sums of three amounts up to this are exact numbers, and so is a share: see `shareOf`. */
export const MOST = 2 ** 51;

export const NUMBERS: Whole<number> = {
  zero: 0,
  one: 1,
  of: Number,
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  times: (a, b) => a * b,
  floor(a, b) {
    const rest = a % b;
    return (a - rest) / b - (rest < 0 ? 1 : 0);
  },
  share: (total, part, of) =>
    typeof part === 'number' && typeof of === 'number'
      ? shareOf(total, part, of)
      : Number((BigInt(total) * BigInt(part)) / BigInt(of)),
};

export const BIGINTS: Whole<bigint> = {
  zero: 0n,
  one: 1n,
  of: (amount) => amount,
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  times: (a, b) => a * b,
  floor: (a, b) => (a < 0n && a % b !== 0n ? a / b - 1n : a / b),
  share: (total, part, of) => (total * BigInt(part)) / BigInt(of),
};

/**
 * `total × part / of`, rounded down, of whole numbers up to `MOST`. The quotient of the rounded product is less than
 * one off, since the result is below 2^51. What is left is exact: both products are taken with the error that
 * rounding them made, and all differences are whole and below 2^53.
 */
export function shareOf(total: number, part: number, of: number): number {
  const product = total * part;
  const share = Math.floor(product / of);
  const back = share * of;
  const rest = product - back + (lostOf(total, part, product) - lostOf(share, of, back));
  return rest < 0 ? share - 1 : rest >= of ? share + 1 : share;
}

/** What rounding took from `a × b`, exactly (Dekker 1971): the halves of 26 bits have exact products. */
function lostOf(a: number, b: number, product: number): number {
  const a1 = upper(a);
  const a2 = a - a1;
  const b1 = upper(b);
  const b2 = b - b1;
  return a2 * b2 - (product - a1 * b1 - a2 * b1 - a1 * b2);
}

/** The upper half of a number's 53 bits (Veltkamp 1968). */
function upper(a: number): number {
  const wide = a * 134_217_729;
  return wide - (wide - a);
}
