import { type Earned, earnings, marginInCents, marginOf } from './margin.ts';
import { type Cents, centsOf, type Money, minorDigits, moneyOf } from './money.ts';
import { presence } from './present.ts';
import { type CostRow, NO_FEATURE, NO_SERVICE, type ReportInput, UNALLOCATED } from './report.ts';
import { rosterOf } from './roster.ts';
import { roundTable, type Table } from './round-table.ts';
import { largestRemainder, largestRemainderIn, roundedTo } from './split.ts';
import type { Allocation, CostTenant, TenantParts } from './types.ts';
import { BIGINTS, type Whole } from './whole.ts';

const COLUMNS = ['direct', 'allocated', 'overhead', 'unallocated'] as const;
export type Amounts<T extends number | bigint = bigint> = Record<(typeof COLUMNS)[number], T>;

const NOTHING: Amounts = { direct: 0n, allocated: 0n, overhead: 0n, unallocated: 0n };

/** The whole month in smallest units of the currency: rounded first, so that nothing below can differ from it. */
export interface RoundedMonth {
  step: bigint;
  bill: bigint;
  totals: Amounts;
  /** By column: direct, allocated and overhead, each in the order of the allocation's tenants. */
  tenants: Table<number | bigint>;
}

export function roundMonth({ bill, totals, tenants, scale, currency }: Allocation): RoundedMonth {
  const step = 10n ** BigInt(scale - minorDigits(currency));
  const whole = roundedTo(bill, step);
  const [carried = 0n, unallocated = 0n] = largestRemainder(
    [bill - totals.unallocated, totals.unallocated],
    step,
    whole,
  );
  const columns = largestRemainder([totals.direct, totals.allocated, totals.overhead], step, carried);
  return {
    step,
    bill: whole,
    totals: { ...amountsOf(columns), unallocated },
    tenants: roundTenants(tenants, step, carried, columns),
  };
}

function roundTenants<T extends number | bigint>(
  { whole, direct, allocated, overhead }: TenantParts<T>,
  step: bigint,
  carried: bigint,
  columns: readonly bigint[],
): Table<T> {
  const cells = [direct, allocated, overhead];
  const rows = rowTotals(whole, cells, whole.of(step), whole.of(carried));
  return roundTable(whole, cells, whole.of(step), rows, columns.map(whole.of));
}

function rowTotals<T extends number | bigint>(
  whole: Whole<T>,
  [first = [], ...others]: Table<T>,
  step: T,
  target: T,
): T[] {
  const sums = [...first];
  for (const column of others)
    for (let at = 0; at < sums.length; at++)
      sums[at] = whole.plus(sums[at] ?? whole.zero, column[at] ?? whole.zero);
  return sums.length === 0 ? [] : largestRemainderIn(whole, sums, step, target);
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

function rowAt<T extends number | bigint>({ zero }: Whole<T>, columns: Table<T>, at: number): Amounts<T> {
  const [direct, allocated, overhead, unallocated] = columns;
  return {
    direct: direct?.[at] ?? zero,
    allocated: allocated?.[at] ?? zero,
    overhead: overhead?.[at] ?? zero,
    unallocated: unallocated?.[at] ?? zero,
  };
}

/** Tenants, most expensive first, and what none of them carries: each row made as it is read. */
export function* tenantRows<M extends Cents>(
  input: ReportInput,
  month: RoundedMonth,
  shape: Shape<M>,
): Generator<CostRow<M>> {
  const { allocation, tenants, revenue, tenant } = input;
  const { ids, whole, ...columns } = allocation.tenants;
  const { byId } = rosterOf(tenants);
  const earned = earnings(revenue, allocation.currency);
  const rowOf = rowMaker(allocation, whole, shape);
  const exact = [columns.direct, columns.allocated, columns.overhead];
  for (const at of shown(input, month, earned)) {
    const tenantId = ids[at] ?? '';
    const fact = byId.get(tenantId) ?? null;
    const subject = { tenantId, service: null, feature: null, fact, brought: earned(tenantId) };
    yield rowOf(rowAt(whole, exact, at), rowAt(whole, month.tenants, at), subject);
  }
  const { unallocated } = allocation.totals;
  if (unallocated !== 0n && tenant === null) {
    const exact = { ...NOTHING, unallocated };
    const minor = { ...NOTHING, unallocated: month.totals.unallocated };
    yield rowMaker(allocation, BIGINTS, shape)(exact, minor, { ...NOBODY, tenantId: UNALLOCATED });
  }
}

/** Places of the tenants of a month and of those that cost or brought something in it, most expensive first. */
function shown(
  { allocation, bill, tenants, tenant }: ReportInput,
  month: RoundedMonth,
  earned: (id: string) => Earned,
): number[] {
  const { ids, direct, allocated, overhead } = allocation.tenants;
  if (tenant !== null) return [ids.indexOf(tenant)];
  const { byId } = rosterOf(tenants);
  const wasThere = presence(bill.month);
  const isShown = (id: string, at: number): boolean => {
    if (Number(direct[at]) !== 0 || Number(allocated[at]) !== 0 || Number(overhead[at]) !== 0) return true;
    const { revenue, fees } = earned(id);
    const fact = byId.get(id);
    return (revenue?.minor ?? 0) !== 0 || (fees?.minor ?? 0) !== 0 || (fact !== undefined && wasThere(fact));
  };
  const costs = new Float64Array(ids.length);
  for (const column of month.tenants)
    for (let at = 0; at < costs.length; at++) costs[at] = (costs[at] ?? 0) + Number(column[at]);
  const places = [...ids.keys()].filter((at) => isShown(ids[at] ?? '', at));
  // Of equals the one whose id comes first does so here too.
  return places.sort((a, b) => (costs[b] ?? 0) - (costs[a] ?? 0) || a - b);
}

/** Services or features: of the whole bill, or of one tenant. */
export function groupRows({ allocation, by, tenant }: ReportInput, month: RoundedMonth): CostRow[] {
  const rowOf = rowMaker(allocation, BIGINTS, EXACT);
  const groups = new Map<string, Amounts>();
  allocation.shares(({ tenantId, service, feature, kind, units }) => {
    if (tenant !== null && tenantId !== tenant) return;
    const key = by === 'service' ? (service ?? NO_SERVICE) : (feature ?? NO_FEATURE);
    const amounts = groups.get(key) ?? { ...NOTHING };
    amounts[kind] += units;
    groups.set(key, amounts);
  });
  const named = [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const cells = COLUMNS.map((column) => named.map(([, amounts]) => amounts[column]));
  const { ids } = allocation.tenants;
  const minors = (column: readonly (number | bigint)[]): bigint[] => column.map(BigInt);
  const totals =
    tenant === null ? month.totals : rowAt(BIGINTS, month.tenants.map(minors), ids.indexOf(tenant));
  const table = roundTable(
    BIGINTS,
    cells,
    month.step,
    rowTotals(
      BIGINTS,
      cells,
      month.step,
      COLUMNS.reduce((sum, column) => sum + totals[column], 0n),
    ),
    COLUMNS.map((column) => totals[column]),
  );
  const column = by === 'service' ? 'service' : 'feature';
  return named
    .map(([key, exact], at) => rowOf(exact, rowAt(BIGINTS, table, at), { ...NOBODY, [column]: key }))
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

/** What amounts are shown as. */
interface Shape<M extends Cents> {
  amount(minor: number | bigint, units: number | bigint, scale: number, currency: string): M;
  margin(brought: Earned, cost: M): M | null;
}

export const EXACT: Shape<Money> = { amount: moneyOf, margin: marginOf };
export const IN_CENTS: Shape<Cents> = {
  amount: (minor, _units, _scale, currency) => centsOf(minor, currency),
  margin: marginInCents,
};

/** One nothing for all rows: there may be a hundred thousand of them. */
function rowMaker<T extends number | bigint, M extends Cents>(
  { scale, currency }: Allocation,
  { zero, plus }: Whole<T>,
  { amount, margin }: Shape<M>,
) {
  const nothing = amount(0, 0, scale, currency);
  const money = (minor: T, exact: T): M =>
    exact === zero && minor === zero ? nothing : amount(minor, exact, scale, currency);
  const sumOf = ({ direct, allocated, overhead, unallocated }: Amounts<T>): T =>
    plus(plus(direct, allocated), plus(overhead, unallocated));
  return (
    exact: Amounts<T>,
    minor: Amounts<T>,
    { tenantId, service, feature, fact, brought }: Subject,
  ): CostRow<M> => {
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
      margin: margin(brought, cost),
    };
  };
}

const labelOf = ({ tenantId, service, feature }: CostRow): string => tenantId ?? service ?? feature ?? '';
const byCost = (a: CostRow, b: CostRow): number =>
  b.cost.minor - a.cost.minor || (labelOf(a) < labelOf(b) ? -1 : 1);
