import { type AllocationInput, allocate } from '../../../src/core/cost/allocate.ts';
import { minorDigits, moneyOf } from '../../../src/core/cost/money.ts';
import { BY, type By, type CostReport, type CostRow, costReport } from '../../../src/core/cost/report.ts';
import { roundedTo } from '../../../src/core/cost/split.ts';
import type { Allocation, Share } from '../../../src/core/cost/types.ts';
import { addDecimals, type Decimal, formatDecimal, rescaled, ZERO } from '../../../src/core/decimal.ts';
import { dec } from './bills.ts';

const COLUMNS = ['direct', 'allocated', 'overhead', 'unallocated', 'cost'] as const;

/** What makes the report of an allocation: ours, or a broken one that the same test must catch. */
export type Reporter = (
  allocation: Allocation,
  input: AllocationInput,
  by: By,
  tenant: string | null,
) => CostReport;

export const ours: Reporter = (allocation, { bill, tenants }, by, tenant) =>
  costReport({
    allocation,
    bill,
    source: 'sample',
    by,
    tenant,
    tenants,
    revenue: null,
    queryCost: { requests: 0, amount: ZERO },
    notes: [],
  });

/**
 * Everything that is wrong with one month; empty where every sum that can be made is right. A few bills in ten
 * thousand cannot be shown with each amount less than one cent off: `most` is 2 for them.
 */
export function problemsOf(input: AllocationInput, report: Reporter = ours, most = 1n): string[] {
  const allocation = allocate(input);
  const problems: string[] = [];
  const same = (what: string, a: unknown, b: unknown): void => {
    if (a !== b) problems.push(`${what}: ${a} is not ${b}`);
  };
  const { bill, excluded, scale, currency, totals } = allocation;
  const shares: Share[] = [];
  allocation.shares((share) => shares.push(share));
  same(
    'shares',
    shares.reduce((sum, { units }) => sum + units, 0n),
    bill,
  );
  same('bill', formatDecimal({ units: bill + excluded, scale }), formatDecimal(input.bill.total));
  for (const kind of ['direct', 'allocated', 'overhead', 'unallocated'] as const) {
    const mine = shares.filter((share) => share.kind === kind);
    same(
      kind,
      mine.reduce((sum, { units }) => sum + units, 0n),
      totals[kind],
    );
  }
  same(
    'reasons',
    allocation.unallocated.reduce((sum, { units }) => sum + units, 0n),
    totals.unallocated,
  );

  const minor = Number(roundedTo(bill, 10n ** BigInt(scale - minorDigits(currency))));
  for (const by of BY) {
    const whole = report(allocation, input, by, null);
    same(`${by}: bill`, whole.totals.bill.minor, minor);
    for (const row of whole.rows) {
      rowProblems(row, same);
      for (const column of COLUMNS)
        same(`${column} ${row[column].exact} as cents`, isNear(row[column], most), true);
    }
    for (const column of COLUMNS) {
      const total = column === 'cost' ? whole.totals.bill : whole.totals[column];
      same(
        `${by}: cents of ${column}`,
        whole.rows.reduce((sum, row) => sum + row[column].minor, 0),
        total.minor,
      );
      same(`${by}: ${column}`, exactSum(whole.rows.map((row) => row[column].exact)), total.exact);
    }
    const [first] = allocation.tenants.ids;
    if (by === 'tenant' && first !== undefined) {
      const before = whole.rows.find(({ tenantId }) => tenantId === first);
      const [alone] = report(allocation, input, by, first).rows;
      if (before !== undefined) same('filtered', JSON.stringify(alone), JSON.stringify(before));
    }
  }
  return problems;
}

function rowProblems(row: CostRow, same: (what: string, a: unknown, b: unknown) => void): void {
  const { direct, allocated, overhead, unallocated, cost } = row;
  const name = row.tenantId ?? row.service ?? row.feature;
  same(`cents of ${name}`, direct.minor + allocated.minor + overhead.minor + unallocated.minor, cost.minor);
  same(`${name}`, exactSum([direct, allocated, overhead, unallocated].map(({ exact }) => exact)), cost.exact);
}

/** Less than so many smallest units off; nothing is nothing. */
function isNear({ minor, exact, currency }: CostRow['cost'], most: bigint): boolean {
  const { units, scale } = dec(exact);
  const off = BigInt(minor) * 10n ** BigInt(scale) - units * 10n ** BigInt(minorDigits(currency));
  return units === 0n ? minor === 0 : (off < 0n ? -off : off) < most * 10n ** BigInt(scale);
}

const exactSum = (amounts: readonly string[]): string =>
  formatDecimal(amounts.map(dec).reduce<Decimal>(addDecimals, ZERO));

/** Broken: every amount of a row is rounded by itself, as one does first. */
export const naive: Reporter = (allocation, input, by, tenant) => {
  const report = ours(allocation, input, by, tenant);
  const digits = minorDigits(allocation.currency);
  const alone = (exact: string) => {
    const { units, scale } = dec(exact);
    const step = 10n ** BigInt(Math.max(0, scale - digits));
    const fine = rescaled({ units, scale }, Math.max(scale, digits)) ?? 0n;
    return moneyOf(roundedTo(fine, step), fine, Math.max(scale, digits), allocation.currency);
  };
  return {
    ...report,
    rows: report.rows.map((row) => ({ ...row, ...each(row, ({ exact }) => alone(exact)) })),
  };
};

/** Broken: amounts are floating-point numbers. */
export const floating: Reporter = (allocation, input, by, tenant) => {
  const report = ours(allocation, input, by, tenant);
  const rows = report.rows.map((row) => ({
    ...row,
    ...each(row, (money) => ({ ...money, exact: String(Number(money.exact)) })),
    cost: {
      ...row.cost,
      exact: String(
        Number(row.direct.exact) +
          Number(row.allocated.exact) +
          Number(row.overhead.exact) +
          Number(row.unallocated.exact),
      ),
    },
  }));
  return { ...report, rows };
};

const each = (row: CostRow, change: (money: CostRow['cost']) => CostRow['cost']) =>
  Object.fromEntries(COLUMNS.map((column) => [column, change(row[column])]));
