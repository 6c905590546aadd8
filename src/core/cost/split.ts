/** Weights in a fixed order, added up once to be used for many pools. */
export interface Weights {
  /** Positions that weigh something, ascending. */
  at: readonly number[];
  /** Sum of the weights up to and with each of them. */
  cumulative: readonly bigint[];
}

/** Of one weight a position; negative ones count as none. */
export function weightsOf(amounts: readonly bigint[]): Weights {
  const at: number[] = [];
  const cumulative: bigint[] = [];
  let sum = 0n;
  amounts.forEach((amount, position) => {
    if (amount <= 0n) return;
    sum += amount;
    at.push(position);
    cumulative.push(sum);
  });
  return { at, cumulative };
}

/**
 * Shares of `total` in proportion to the weights, handed over with the position they are for: whole units, each
 * less than one off, and their sum is `total` whatever its sign. Without weights there are no shares.
 */
export function split(
  total: bigint,
  { at, cumulative }: Weights,
  give: (position: number, share: bigint) => void,
): void {
  const whole = cumulative.at(-1) ?? 1n;
  const size = total < 0n ? -total : total;
  let before = 0n;
  for (let nth = 0; nth < at.length; nth++) {
    const upTo = (size * (cumulative[nth] ?? 0n)) / whole;
    give(at[nth] ?? 0, total < 0n ? before - upTo : upTo - before);
    before = upTo;
  }
}

const floorDiv = (a: bigint, b: bigint): bigint => (a < 0n && a % b !== 0n ? a / b - 1n : a / b);

/** To whole steps, halves away from zero. */
export function roundedTo(amount: bigint, step: bigint): bigint {
  const twice = 2n * (amount < 0n ? -amount : amount);
  const size = (twice + step) / (2n * step);
  return amount < 0n ? -size : size;
}

/**
 * Amounts in whole steps that add up to `target`: each is rounded down, and the steps then missing go to those
 * that lost most, the earlier one of equals. `target` is the amounts' sum rounded up or down.
 */
export function largestRemainder(amounts: readonly bigint[], step: bigint, target: bigint): bigint[] {
  const floors: bigint[] = [];
  const lost: bigint[] = [];
  let sum = 0n;
  for (const amount of amounts) {
    const floor = amount === 0n ? 0n : floorDiv(amount, step);
    floors.push(floor);
    lost.push(amount - floor * step);
    sum += floor;
  }
  const missing = Number(target - sum);
  if (missing === 0) return floors;
  if (missing < 0 || missing > amounts.length) {
    throw new RangeError(`${missing} steps cannot be given to ${amounts.length} amounts`);
  }
  for (const at of mostLost(lost, missing)) floors[at] = (floors[at] ?? 0n) + 1n;
  return floors;
}

/** Positions of the `count` largest, the earlier one of equals. */
function mostLost(lost: readonly bigint[], count: number): number[] {
  if (count > 1) {
    const order = lost.map((_, at) => at).sort((a, b) => compare(lost[b] ?? 0n, lost[a] ?? 0n) || a - b);
    return order.slice(0, count);
  }
  let found = 0;
  for (let at = 1; at < lost.length; at++) if ((lost[at] ?? 0n) > (lost[found] ?? 0n)) found = at;
  return [found];
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
