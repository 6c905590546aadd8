import { type Earned, earnings, marginOf } from './margin.ts';
import { type Money, minorDigits, moneyOf } from './money.ts';
import { presence } from './present.ts';
import { type CostRow, NO_FEATURE, NO_SERVICE, type ReportInput, UNALLOCATED } from './report.ts';
import { roundTable } from './round-table.ts';
import { largestRemainder, roundedTo } from './split.ts';
import type { Allocation, CostTenant } from './types.ts';

const COLUMNS = ['direct', 'allocated', 'overhead', 'unallocated'] as const;
export type Amounts = Record<(typeof COLUMNS)[number], bigint>;

const NOTHING: Amounts = { direct: 0n, allocated: 0n, overhead: 0n, unallocated: 0n };
const sumOf = ({ direct, allocated, overhead, unallocated }: Amounts): bigint =>
  direct + allocated + overhead + unallocated;

/** The whole month in smallest units of the currency: rounded first, so that nothing below can differ from it. */
export interface RoundedMonth {
  step: bigint;
  bill: bigint;
  totals: Amounts;
  /** In the order of the allocation's tenants. */
  tenants: readonly Amounts[];
}

export function roundMonth({ bill, totals, tenants, scale, currency }: Allocation): RoundedMonth {
  const step = 10n ** BigInt(scale - minorDigits(currency));
  const whole = roundedTo(bill, step);
  const [carried = 0n, unallocated = 0n] = largestRemainder(
    [bill - totals.unallocated, totals.unallocated],
    step,
    whole,
  );
  const three = COLUMNS.slice(0, 3);
  const columns = largestRemainder(
    three.map((column) => totals[column]),
    step,
    carried,
  );
  const cells = [...tenants.values()].map(({ direct, allocated, overhead }) => [direct, allocated, overhead]);
  const table = roundTable(cells, step, rowTotals(cells, step, carried), columns);
  return {
    step,
    bill: whole,
    totals: { ...amountsOf(columns), unallocated },
    tenants: table.map(amountsOf),
  };
}

function rowTotals(cells: readonly (readonly bigint[])[], step: bigint, target: bigint): bigint[] {
  const sums = cells.map((row) => row.reduce((sum, cell) => sum + cell, 0n));
  return cells.length === 0 ? [] : largestRemainder(sums, step, target);
}

const amountsOf = ([
  direct = 0n,
  allocated = 0n,
  overhead = 0n,
  unallocated = 0n,
]: readonly bigint[]): Amounts => ({
  direct,
  allocated,
  overhead,
  unallocated,
});

/** Tenants, and what none of them carries. */
export function tenantRows(
  { allocation, bill, tenants, revenue, tenant }: ReportInput,
  month: RoundedMonth,
): CostRow[] {
  const earned = earnings(revenue, allocation.currency);
  const facts = new Map(tenants.map((one) => [one.id, one]));
  const wasThere = presence(bill.month);
  const rowOf = rowMaker(allocation);
  const rows: CostRow[] = [];
  let position = -1;
  for (const [id, parts] of allocation.tenants) {
    position++;
    if (tenant !== null && id !== tenant) continue;
    const fact = facts.get(id) ?? null;
    const brought = earned(id);
    const costs = parts.direct !== 0n || parts.allocated !== 0n || parts.overhead !== 0n;
    const earns = (brought.revenue?.minor ?? 0) !== 0 || (brought.fees?.minor ?? 0) !== 0;
    const shown = costs || earns || tenant !== null || (fact !== null && wasThere(fact));
    if (!shown) continue;
    const { direct, allocated, overhead } = parts;
    rows.push(
      rowOf({ direct, allocated, overhead, unallocated: 0n }, month.tenants[position] ?? NOTHING, {
        tenantId: id,
        service: null,
        feature: null,
        fact,
        brought,
      }),
    );
  }
  rows.sort(byCost);
  const { unallocated } = allocation.totals;
  if (unallocated !== 0n && tenant === null) {
    const exact = { ...NOTHING, unallocated };
    const minor = { ...NOTHING, unallocated: month.totals.unallocated };
    rows.push(rowOf(exact, minor, { ...NOBODY, tenantId: UNALLOCATED }));
  }
  return rows;
}

/** Services or features: of the whole bill, or of one tenant. */
export function groupRows({ allocation, by, tenant }: ReportInput, month: RoundedMonth): CostRow[] {
  const rowOf = rowMaker(allocation);
  const groups = new Map<string, Amounts>();
  allocation.shares(({ tenantId, service, feature, kind, units }) => {
    if (tenant !== null && tenantId !== tenant) return;
    const key = by === 'service' ? (service ?? NO_SERVICE) : (feature ?? NO_FEATURE);
    const amounts = groups.get(key) ?? { ...NOTHING };
    amounts[kind] += units;
    groups.set(key, amounts);
  });
  const named = [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const cells = named.map(([, amounts]) => COLUMNS.map((column) => amounts[column]));
  const position = [...allocation.tenants.keys()].indexOf(tenant ?? '');
  const totals = tenant === null ? month.totals : (month.tenants[position] ?? NOTHING);
  const table = roundTable(
    cells,
    month.step,
    rowTotals(cells, month.step, sumOf(totals)),
    COLUMNS.map((column) => totals[column]),
  );
  const column = by === 'service' ? 'service' : 'feature';
  return named
    .map(([key, exact], at) => rowOf(exact, amountsOf(table[at] ?? []), { ...NOBODY, [column]: key }))
    .sort(byCost);
}

/** What a row is of. */
interface Subject {
  tenantId: string | null;
  service: string | null;
  feature: string | null;
  fact: CostTenant | null;
  brought: Earned;
}

const NOBODY: Subject = {
  tenantId: null,
  service: null,
  feature: null,
  fact: null,
  brought: { revenue: null, fees: null },
};

/** One shape for all rows, and one nothing: there may be a hundred thousand of them. */
function rowMaker({ scale, currency }: Allocation) {
  const nothing = moneyOf(0n, 0n, scale, currency);
  const money = (minor: bigint, exact: bigint): Money =>
    exact === 0n && minor === 0n ? nothing : moneyOf(minor, exact, scale, currency);
  return (
    exact: Amounts,
    minor: Amounts,
    { tenantId, service, feature, fact, brought }: Subject,
  ): CostRow => {
    const cost = money(sumOf(minor), sumOf(exact));
    return {
      tenantId,
      service,
      feature,
      name: fact?.name ?? null,
      plan: fact?.plan ?? null,
      status: fact?.status ?? null,
      direct: money(minor.direct, exact.direct),
      allocated: money(minor.allocated, exact.allocated),
      overhead: money(minor.overhead, exact.overhead),
      unallocated: money(minor.unallocated, exact.unallocated),
      cost,
      revenue: brought.revenue,
      fees: brought.fees,
      margin: marginOf(brought, cost),
    };
  };
}

const labelOf = ({ tenantId, service, feature }: CostRow): string => tenantId ?? service ?? feature ?? '';
const byCost = (a: CostRow, b: CostRow): number =>
  b.cost.minor - a.cost.minor || (labelOf(a) < labelOf(b) ? -1 : 1);
