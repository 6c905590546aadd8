import { rounded } from '../decimal.ts';
import { tenantNotFound } from '../tenants/tenant.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { marginOf, mixedCurrencies, totalEarned } from './margin.ts';
import { type Cents, type Money, moneyOf } from './money.ts';
import type { RevenueMonth } from './revenue.ts';
import { EXACT, groupRows, IN_CENTS, type RoundedMonth, roundMonth, tenantRows } from './rows.ts';
import { largestRemainder, roundedTo } from './split.ts';
import type { Allocation, Bill, CostTenant, QueryCost, UnallocatedReason } from './types.ts';

export type { Money } from './money.ts';

/** The row of what no tenant carries. No tenant id can look like it. */
export const UNALLOCATED = '(unallocated)';
/** The rows of cost that has no service, or no feature. */
export const NO_SERVICE = '(no service)';
export const NO_FEATURE = '(no feature)';

export const BY = ['tenant', 'service', 'feature'] as const;
export type By = (typeof BY)[number];

/** direct + allocated + overhead + unallocated = cost, exactly and in `minor`. */
export interface CostRow<M extends Cents = Money> {
  /** `(unallocated)` for the row of what no tenant carries; `null` where rows are services or features. */
  tenantId: string | null;
  service: string | null;
  feature: string | null;
  name: string | null;
  plan: string | null;
  status: string | null;
  direct: M;
  allocated: M;
  overhead: M;
  unallocated: M;
  cost: M;
  /** Net of tax and refunds; `null` where it is not known, and for rows that are no tenant. */
  revenue: Money | null;
  fees: Money | null;
  /** Revenue less fees and cost; `null` where revenue is `null` or in another currency. */
  margin: M | null;
}

export interface CostReport {
  month: string;
  currency: string;
  source: string;
  estimated: boolean;
  dataThrough: string | null;
  by: By;
  totals: {
    bill: Money;
    direct: Money;
    allocated: Money;
    overhead: Money;
    unallocated: Money;
    /** Left out by policy: not part of `bill`. */
    excluded: Money;
    revenue: Money | null;
    fees: Money | null;
    margin: Money | null;
  };
  /** Most expensive first, `(unallocated)` last. The sum of `cost` is `totals.bill` unless one tenant is asked for. */
  rows: CostRow[];
  coverage: Coverage;
  unallocated: {
    reason: UnallocatedReason;
    service: string | null;
    tag: string | null;
    driver: string | null;
    cost: Money;
  }[];
  queryCost: Money & { requests: number };
  notes: string[];
}

/** A report whose rows are made as they are read, once: a hundred thousand of them need not be held. */
export type StreamedReport = Omit<CostReport, 'rows'> & {
  rows: Iterable<CostRow>;
  /** The same without the exact amounts, for what does not show them. */
  rowsInCents: Iterable<CostRow<Cents>>;
};

export interface ReportInput {
  allocation: Allocation;
  bill: Bill;
  /** `CostSource.name`. */
  source: string;
  by: By;
  /** The only tenant to show; shares and totals stay those of the whole bill. */
  tenant: string | null;
  tenants: readonly CostTenant[];
  /** `null`: no revenue source. */
  revenue: RevenueMonth | null;
  queryCost: QueryCost;
  notes: readonly string[];
}

/** One month as JSON shows it: rounded once, over the whole bill, so that every sum that can be made is right. */
export const costReport = (input: ReportInput): CostReport => wholeReport(streamedReport(input));

export const wholeReport = ({ rowsInCents: _, ...report }: StreamedReport): CostReport => ({
  ...report,
  rows: [...report.rows],
});

export function streamedReport(input: ReportInput): StreamedReport {
  const { allocation, bill, by, tenant } = input;
  const { currency, scale, totals } = allocation;
  if (tenant !== null && !allocation.tenants.ids.includes(tenant)) throw tenantNotFound(tenant);
  const month = roundMonth(allocation);
  const money = (minor: bigint, units: bigint): Money => moneyOf(minor, units, scale, currency);
  const total = (column: keyof typeof totals): Money => money(month.totals[column], totals[column]);
  const billed = money(month.bill, allocation.bill);
  const groups = by === 'tenant' ? null : groupRows(input, month);
  const earned = totalEarned(input.revenue, currency);
  return {
    month: bill.month,
    currency,
    source: input.source,
    estimated: bill.estimated,
    dataThrough: bill.dataThrough,
    by,
    totals: {
      bill: billed,
      direct: total('direct'),
      allocated: total('allocated'),
      overhead: total('overhead'),
      unallocated: total('unallocated'),
      excluded: money(roundedTo(allocation.excluded, month.step), allocation.excluded),
      ...earned,
      margin: marginOf(earned, billed),
    },
    rows: groups ?? tenantRows(input, month, EXACT),
    rowsInCents: groups ?? tenantRows(input, month, IN_CENTS),
    coverage: coverageOf(allocation),
    unallocated: leftOver(allocation, month),
    queryCost: queryMoney(input.queryCost),
    notes: [...input.notes, ...mixedCurrencies(input.revenue, currency)],
  };
}

/** What is unallocated and why, largest first; in `minor` it adds up to the total. */
function leftOver({ unallocated, scale, currency }: Allocation, { step, totals }: RoundedMonth) {
  const largestFirst = [...unallocated].sort((a, b) => (a.units > b.units ? -1 : a.units < b.units ? 1 : 0));
  const minors =
    largestFirst.length === 0
      ? []
      : largestRemainder(
          largestFirst.map(({ units }) => units),
          step,
          totals.unallocated,
        );
  return largestFirst.map(({ units, ...why }, at) => ({
    ...why,
    cost: moneyOf(minors[at] ?? 0n, units, scale, currency),
  }));
}

function queryMoney({ requests, amount }: QueryCost): CostReport['queryCost'] {
  const cents = rounded({ units: amount.units * 100n, scale: amount.scale });
  return { ...moneyOf(cents, amount.units, amount.scale, 'USD'), requests };
}
