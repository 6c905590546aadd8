import { describe, expect, it } from 'vitest';
import { type AllocationInput, allocate } from '../../../src/core/cost/allocate.ts';
import { roundTable } from '../../../src/core/cost/round-table.ts';
import { largestRemainderIn, splitIn, weightsOf } from '../../../src/core/cost/split.ts';
import type { Policy, Share } from '../../../src/core/cost/types.ts';
import { BIGINTS, MOST, NUMBERS, shareOf } from '../../../src/core/cost/whole.ts';
import { ours } from './adds-up.ts';
import { line, randomOf, smallMonth } from './bills.ts';

const CASES = 20_000;
const random = randomOf(7);
/** Of any size up to `most`, the ends more often than others. */
const upTo = (most: number): number => {
  const kind = random.below(8);
  if (kind === 0) return most - random.below(Math.min(3, most + 1));
  return Math.floor(random.next() * Math.min(most, 2 ** (1 + random.below(51))));
};
const signed = (most: number): number => (random.below(4) === 0 ? -upTo(most) : upTo(most));
const listOf = (length: number, most: number): number[] => Array.from({ length }, () => signed(most));
const big = (amounts: readonly number[]): bigint[] => amounts.map(BigInt);

describe('numbers give to the last unit what bigints give', () => {
  it('a share of products far beyond what a number holds', () => {
    let beyond = 0;
    let floating = 0;
    for (let nth = 0; nth < CASES * 2; nth++) {
      const of = Math.max(1, upTo(MOST));
      const part = upTo(of);
      const total = upTo(MOST);
      const exact = Number((BigInt(total) * BigInt(part)) / BigInt(of));
      if (shareOf(total, part, of) !== exact) expect([total, part, of, shareOf(total, part, of)]).toBe(exact);
      if (total * part > Number.MAX_SAFE_INTEGER) beyond++;
      if (Math.floor((total * part) / of) !== exact) floating++;
    }
    expect(beyond).toBeGreaterThan(CASES / 2);
    // Without looking at what is left some would be one off.
    expect(floating).toBeGreaterThan(0);
  });

  it('a division, rounded down whatever the sign', () => {
    for (let nth = 0; nth < CASES; nth++) {
      const a = signed(MOST);
      const b = Math.max(1, upTo(2 ** 47));
      expect(BigInt(NUMBERS.floor(a, b)), `${a} / ${b}`).toBe(BIGINTS.floor(BigInt(a), BigInt(b)));
    }
  });

  it('a split, be the weights small or large', () => {
    for (let nth = 0; nth < CASES / 20; nth++) {
      const most = nth % 2 === 0 ? 2 ** 40 : MOST;
      const amounts = listOf(1 + random.below(20), most);
      const total = signed(MOST);
      const mine: bigint[] = [];
      const theirs: bigint[] = [];
      splitIn(NUMBERS, total, weightsOf(amounts), (at, share) => (mine[at] = BigInt(share)));
      const large = { ...weightsOf(amounts) };
      large.cumulative = large.cumulative.map(BigInt);
      splitIn(BIGINTS, BigInt(total), large, (at, share) => (theirs[at] = share));
      expect(mine).toEqual(theirs);
    }
  });

  it('rounding to steps, alone and as a table', () => {
    for (let nth = 0; nth < CASES / 20; nth++) {
      const step = 10 ** random.below(13);
      const rows = 1 + random.below(12);
      const cells = [1, 2, 3].map(() => listOf(rows, random.one([3 * step, 2 ** 44])));
      const sums = cells[0]?.map((_, at) => cells.reduce((sum, column) => sum + (column[at] ?? 0), 0)) ?? [];
      const whole = NUMBERS.floor(
        sums.reduce((a, b) => a + b, 0),
        step,
      );
      const totals = cells.map((column) => column.reduce((a, b) => a + b, 0));
      const inRows = largestRemainderIn(NUMBERS, sums, step, whole);
      const inColumns = largestRemainderIn(NUMBERS, totals, step, whole);
      const step_ = BigInt(step);
      expect(big(inRows)).toEqual(largestRemainderIn(BIGINTS, big(sums), step_, BigInt(whole)));
      expect(roundTable(NUMBERS, cells, step, inRows, inColumns).map(big)).toEqual(
        roundTable(BIGINTS, cells.map(big), step_, big(inRows), big(inColumns)),
      );
    }
  });

  it('a month, allocated and shown', () => {
    for (let seed = 0; seed < CASES / 100; seed++) {
      const month = smallMonth(seed);
      const { bill } = month;
      const policy: Policy = { ...month.policy, tax: 'exclude' };
      // Left out, and nothing together, but too much for numbers.
      const huge = ['90000000000', '-90000000000'].map((amount) => line(amount, { recordType: 'tax' }));
      const mine = shownIn({ ...month, policy });
      const theirs = shownIn({ ...month, policy, bill: { ...bill, lines: [...bill.lines, ...huge] } });
      expect([mine.whole, theirs.whole]).toEqual([NUMBERS, BIGINTS]);
      expect(mine.shares).toEqual(theirs.shares);
      expect(mine.report).toEqual(theirs.report);
    }
  });
});

function shownIn(input: AllocationInput) {
  const allocation = allocate(input);
  const shares: Share[] = [];
  allocation.shares((share) => shares.push(share));
  return { whole: allocation.tenants.whole, shares, report: ours(allocation, input, 'tenant', null) };
}
