import type { Decimal } from '../decimal.ts';
import { largestRemainder, roundedTo } from './split.ts';
import type { Allocation } from './types.ts';

/** Percent of the bill, in tenths that add up to 100; `null` where the bill is nothing. */
export interface Coverage {
  direct: number | null;
  allocated: number | null;
  overhead: number | null;
  unallocated: number | null;
  /**
   * Calls that the gate counted, requests that API Gateway billed, and how many percent more these are, all of the
   * API that tenants share (who has one of its own is left out of both); `null` where the bill does not say. Denied calls are billed too and not counted, so a little is in order.
   */
  meteringDrift: { metered: number; billed: number; percent: number | null } | null;
}

export function coverageOf({ bill, totals, drift }: Allocation): Coverage {
  const { direct, allocated, overhead, unallocated } = totals;
  const [ofDirect = null, ofAllocated = null, ofOverhead = null, ofUnallocated = null] =
    bill === 0n ? [] : shares([direct, allocated, overhead, unallocated], bill);
  return {
    direct: ofDirect,
    allocated: ofAllocated,
    overhead: ofOverhead,
    unallocated: ofUnallocated,
    meteringDrift: drift && {
      metered: Number(drift.metered),
      billed: Number(drift.billed),
      percent: drift.metered === 0n ? null : percent(drift.billed - drift.metered, drift.metered),
    },
  };
}

/** Percent of `whole`, which the parts add up to and which may be negative. */
function shares(parts: readonly bigint[], whole: bigint): number[] {
  const sign = whole < 0n ? -1n : 1n;
  const thousandfold = parts.map((part) => part * 1000n * sign);
  return largestRemainder(thousandfold, whole * sign, 1000n).map((tenths) => Number(tenths) / 10);
}

/**
 * Whether more of the bill is unallocated than `limit` percent, by the exact amounts. What nobody carries counts by
 * its size, each service, reason and tag by itself: a credit hides no cost.
 */
export function exceedsUnallocated({ bill, unallocated }: Allocation, limit: Decimal): boolean {
  const size = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
  const whole = unallocated.reduce((sum, { units }) => sum + size(units), 0n);
  return whole * 100n * 10n ** BigInt(limit.scale) > limit.units * size(bill);
}

const percent = (part: bigint, whole: bigint): number => Number(roundedTo(part * 1000n, whole)) / 10;
