import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocate } from '../../../src/core/cost/allocate.ts';
import { coverageOf, exceedsUnallocated } from '../../../src/core/cost/coverage.ts';
import { DEFAULT_POLICY } from '../../../src/core/cost/drivers.ts';
import type { CostLine } from '../../../src/core/cost/types.ts';
import { bill, dec, line, tenant } from './bills.ts';

const month = (carried: string, nobody: string, ...more: CostLine[]) =>
  allocate({
    bill: bill([line(carried, { tenantTag: 'acme' }), line(nobody, { tenantTag: 'gone' }), ...more]),
    tenants: [tenant('acme')],
    usage: new Map(),
    policy: DEFAULT_POLICY,
  });

it('shares are rounded so that they add up to 100, whatever the bill, below nothing as well', () => {
  const shown = (...parts: [number, number, number, number]) => {
    const [direct, allocated, overhead, unallocated] = parts.map(BigInt) as [bigint, bigint, bigint, bigint];
    const bill = direct + allocated + overhead + unallocated;
    const { meteringDrift: _, ...of } = coverageOf({
      ...month('1', '0'),
      bill,
      totals: { direct, allocated, overhead, unallocated },
    });
    return Object.values(of);
  };
  expect(shown(15_172, 56_652, 19_156, 9_020)).toEqual([15.2, 56.6, 19.2, 9]);
  expect(shown(-15_172, -56_652, -19_156, -9_020)).toEqual([15.2, 56.6, 19.2, 9]);
  expect(shown(1, 1, 1, 0)).toEqual([33.4, 33.3, 33.3, 0]);
  const part = fc.integer({ min: -(10 ** 12), max: 10 ** 12 });
  fc.assert(
    fc.property(part, part, part, part, (...parts) => {
      const bill = parts.reduce((sum, one) => sum + one, 0);
      fc.pre(bill !== 0);
      const tenths = shown(...parts).map((share) => BigInt(Math.round(Number(share) * 10)));
      expect(tenths.reduce((sum, one) => sum + one, 0n)).toBe(1000n);
      for (const [at, one] of tenths.entries()) {
        const off = one * BigInt(bill) - 1000n * BigInt(parts[at] ?? 0);
        expect(off < 0n ? -off : off).toBeLessThan(bill < 0 ? -BigInt(bill) : BigInt(bill));
      }
    }),
  );
});

it('a limit of what may be unallocated is held against exact amounts, not against the percent that is shown', () => {
  expect(coverageOf(month('95', '5')).unallocated).toBe(5);
  expect(exceedsUnallocated(month('95', '5'), dec('5'))).toBe(false);
  expect(coverageOf(month('94.999', '5')).unallocated).toBe(5);
  expect(exceedsUnallocated(month('94.999', '5'), dec('5'))).toBe(true);
  expect(exceedsUnallocated(month('94.999', '5'), dec('5.1'))).toBe(false);
});

it('a credit that nobody gets counts by its size, and a bill of nothing exceeds with anything', () => {
  expect(exceedsUnallocated(month('100', '-10'), dec('5'))).toBe(true);
  expect(exceedsUnallocated(month('5', '-5'), dec('100'))).toBe(true);
  expect(exceedsUnallocated(month('0', '0'), dec('0'))).toBe(false);
  expect(coverageOf(month('5', '-5')).unallocated).toBeNull();
});

it('cost of one service that nobody carries is not hidden by a credit of another', () => {
  const hidden = month('100', '60', line('-60', { tenantTag: 'gone', service: 'Amazon DynamoDB' }));
  expect(coverageOf(hidden).unallocated).toBe(0);
  expect(exceedsUnallocated(hidden, dec('119'))).toBe(true);
  expect(exceedsUnallocated(hidden, dec('120'))).toBe(false);
});
