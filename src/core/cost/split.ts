import { BIGINTS, MOST, type Whole } from './whole.ts';

/** Weights in a fixed order, added up once to be used for many pools. */
export interface Weights {
  /** Positions that weigh something, ascending. */
  at: readonly number[];
  /** Sum of the weights up to and with each of them: numbers where all are up to `MOST`, otherwise bigints. */
  cumulative: readonly (number | bigint)[];
}

/** Of one weight a position; negative ones count as none. */
export function weightsOf(amounts: Iterable<number | bigint>): Weights {
  const at: number[] = [];
  const cumulative: (number | bigint)[] = [];
  let position = 0;
  let small = 0;
  // Once it is more than a number holds.
  let large: bigint | null = null;
  for (const amount of amounts) {
    if (amount > 0) {
      at.push(position);
      if (large === null && Number(amount) > MOST - small) large = BigInt(small);
      if (large === null) small += Number(amount);
      else large += BigInt(amount);
      cumulative.push(large ?? small);
    }
    position++;
  }
  return { at, cumulative: large === null ? cumulative : cumulative.map(BigInt) };
}

/**
 * Shares of `total` in proportion to the weights, handed over with the position they are for: whole units, each
 * less than one off, and their sum is `total` whatever its sign. Without weights there are no shares.
 */
export function splitIn<T extends number | bigint>(
  { zero, minus, share }: Whole<T>,
  total: T,
  { at, cumulative }: Weights,
  give: (position: number, share: T) => void,
): void {
  const whole = cumulative.at(-1) ?? 1;
  const negative = total < zero;
  const size = negative ? minus(zero, total) : total;
  let before = zero;
  for (let nth = 0; nth < at.length; nth++) {
    const upTo = share(size, cumulative[nth] ?? 0, whole);
    give(at[nth] ?? 0, negative ? minus(before, upTo) : minus(upTo, before));
    before = upTo;
  }
}

export const split = (
  total: bigint,
  weights: Weights,
  give: (position: number, share: bigint) => void,
): void => splitIn(BIGINTS, total, weights, give);

/** To whole steps, halves away from zero. */
export function roundedTo(amount: bigint, step: bigint): bigint {
  const twice = 2n * (amount < 0n ? -amount : amount);
  const size = (twice + step) / (2n * step);
  return amount < 0n ? -size : size;
}

export const largestRemainder = (amounts: readonly bigint[], step: bigint, target: bigint): bigint[] =>
  largestRemainderIn(BIGINTS, amounts, step, target);

/**
 * Amounts in whole steps that add up to `target`: each is rounded down, and the steps then missing go to those
 * that lost most, the earlier one of equals. `target` is the amounts' sum rounded up or down.
 */
export function largestRemainderIn<T extends number | bigint>(
  whole: Whole<T>,
  amounts: readonly T[],
  step: T,
  target: T,
): T[] {
  const { zero, one, plus, minus, times } = whole;
  const floors: T[] = [];
  const lost: T[] = [];
  let left = target;
  for (const amount of amounts) {
    const floor = amount === zero ? zero : whole.floor(amount, step);
    floors.push(floor);
    lost.push(minus(amount, times(floor, step)));
    left = minus(left, floor);
  }
  const missing = Number(left);
  if (missing === 0) return floors;
  if (missing < 0 || missing > amounts.length) {
    throw new RangeError(`${missing} steps cannot be given to ${amounts.length} amounts`);
  }
  for (const at of largestAt(lost, missing)) floors[at] = plus(floors[at] ?? zero, one);
  return floors;
}

/**
 * Positions of the `count` largest, the earlier one of equals; in no order. Chosen by their nearest numbers, which
 * are in the same order, and where those are equal by the amounts themselves.
 */
export function largestAt<T extends number | bigint>(amounts: readonly T[], count: number): number[] {
  const near = new Float64Array(amounts.length);
  for (let at = 0; at < amounts.length; at++) near[at] = Number(amounts[at]);
  const least = near.slice().sort()[near.length - count] ?? Number.POSITIVE_INFINITY;
  const found: number[] = [];
  const level: { at: number; amount: T }[] = [];
  for (const [at, amount] of amounts.entries()) {
    const number = near[at] ?? 0;
    if (number > least) found.push(at);
    else if (number === least) level.push({ at, amount });
  }
  level.sort((a, b) => (a.amount > b.amount ? -1 : a.amount < b.amount ? 1 : a.at - b.at));
  return [...found, ...level.slice(0, count - found.length).map(({ at }) => at)];
}
