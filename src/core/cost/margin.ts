import { addDecimals, type Decimal, formatDecimal, parseDecimal, ZERO } from '../decimal.ts';
import { type Cents, type Money, minorMoney } from './money.ts';
import type { RevenueMonth, TenantRevenue } from './revenue.ts';

/** `null` where it is not known, or is of several currencies. */
export interface Earned {
  revenue: Money | null;
  fees: Money | null;
}

const UNKNOWN: Earned = { revenue: null, fees: null };

/** What each tenant brought. Without an entry: nothing, in the bill's currency; without a source: not known. */
export function earnings(revenue: RevenueMonth | null, currency: string): (tenantId: string) => Earned {
  if (revenue === null) return () => UNKNOWN;
  const byTenant = new Map<string, TenantRevenue[]>();
  for (const entry of revenue.tenants) {
    const entries = byTenant.get(entry.tenantId);
    if (entries === undefined) byTenant.set(entry.tenantId, [entry]);
    else entries.push(entry);
  }
  return (tenantId) => sumOf(byTenant.get(tenantId) ?? [], currency);
}

/** Of all tenants together; `null` unless everything is in the bill's currency. */
export function totalEarned(revenue: RevenueMonth | null, currency: string): Earned {
  if (revenue === null || revenue.tenants.some((entry) => entry.currency !== currency)) return UNKNOWN;
  return sumOf(revenue.tenants, currency);
}

function sumOf(entries: readonly TenantRevenue[], currency: string): Earned {
  const [first] = entries;
  const common = first?.currency ?? currency;
  if (entries.some((entry) => entry.currency !== common)) return UNKNOWN;
  return {
    revenue: minorMoney(
      entries.reduce((sum, { revenue }) => sum + revenue, 0n),
      common,
    ),
    fees: minorMoney(
      entries.reduce((sum, { fees }) => sum + fees, 0n),
      common,
    ),
  };
}

/** Revenue less fees and cost; `null` where they are not all known in one currency. */
export function marginOf(earned: Earned, cost: Money): Money | null {
  const cents = marginInCents(earned, cost);
  if (cents === null) return null;
  const { revenue, fees } = earned;
  const exact = less(less(decimal(revenue), decimal(fees)), decimal(cost));
  return { ...cents, exact: formatDecimal(exact) };
}

export function marginInCents({ revenue, fees }: Earned, cost: Cents): Cents | null {
  if (revenue === null || fees === null || revenue.currency !== cost.currency) return null;
  return { minor: revenue.minor - fees.minor - cost.minor, currency: cost.currency };
}

/** Said where currencies keep a margin from being known. */
export function mixedCurrencies(revenue: RevenueMonth | null, currency: string): string[] {
  const others = (revenue?.tenants ?? []).filter((entry) => entry.currency !== currency);
  if (others.length === 0) return [];
  const named = [...new Set(others.map((entry) => entry.currency))].sort().join(', ');
  const tenants = new Set(others.map(({ tenantId }) => tenantId)).size;
  return [
    `${tenants} ${tenants === 1 ? 'tenant pays' : 'tenants pay'} in ${named}, the bill is in ${currency}: their margin and the total are left open`,
  ];
}

const decimal = (money: Money | null): Decimal => parseDecimal(money?.exact ?? '') ?? ZERO;
const less = (a: Decimal, b: Decimal): Decimal => addDecimals(a, { units: -b.units, scale: b.scale });
