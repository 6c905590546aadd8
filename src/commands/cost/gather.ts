import { allocate } from '../../core/cost/allocate.ts';
import { DEFAULT_DRIVERS } from '../../core/cost/drivers.ts';
import type { RevenueMonth } from '../../core/cost/revenue.ts';
import type {
  Allocation,
  Bill,
  CostTenant,
  DriverAmounts,
  Policy,
  QueryCost,
} from '../../core/cost/types.ts';
import type { ControlStore } from '../../core/ports.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import type { Context } from '../context.ts';
import { noRevenue } from './checks.ts';
import { meteredDrivers } from './drivers.ts';

/** What a run asks for. */
export interface Wanted {
  /** Ascending. */
  months: readonly string[];
  source: string;
  tenantTag: string;
  detail: 'services' | 'features';
  /** Without revenue there is nothing to say. */
  needsRevenue?: boolean;
}

/** One month with everything that a report says of it. */
export interface GatheredMonth {
  bill: Bill;
  allocation: Allocation;
  usage: ReadonlyMap<string, DriverAmounts>;
  callsByDay: readonly bigint[];
  /** `null`: there is no source of revenue. */
  revenue: RevenueMonth | null;
}

export interface Gathered {
  months: readonly GatheredMonth[];
  tenants: readonly CostTenant[];
  policy: Policy;
  queryCost: QueryCost;
  sourceName: string;
  /** Where revenue comes from; `null`: nowhere. */
  revenueName: string | null;
  notes: readonly string[];
}

/** The bills, what was metered, and what came in. Everything is allocated before anything is left out of a view. */
export async function gather(cx: Context, wanted: Wanted): Promise<Gathered> {
  const { months } = wanted;
  const { project, profile } = await cx.config();
  const policy: Policy = project.cost;
  const all = await allTenants(await cx.store());
  const tenants = all.map(costTenant);
  const world = await cx.cost();
  const source = await world.bills({
    ...wanted,
    tenantIds: all.filter(({ status }) => status !== 'deleted').map(({ id }) => id),
    maxRequests: project.cost.maxRequests ?? null,
  });
  const revenue = await world.revenue(customersOf(all));
  if (wanted.needsRevenue === true && revenue === null) throw noRevenue(profile.stripe);
  const drivers = meteredDrivers(
    await cx.store(),
    tenants.map(({ id }) => id),
    months,
  );
  const bills = await source.bills({ months, detail: wanted.detail });
  const gathered: GatheredMonth[] = [];
  for (const bill of bills) {
    const usage = await drivers.amounts(bill.month);
    const allocation = allocate({ bill, tenants, usage, policy });
    gathered.push({
      bill,
      allocation,
      usage,
      callsByDay: await drivers.callsByDay(bill.month),
      revenue: (await revenue?.month(bill.month)) ?? null,
    });
  }
  return {
    months: gathered,
    tenants,
    policy,
    queryCost: source.queryCost(),
    sourceName: source.name,
    revenueName: revenue?.name ?? null,
    notes: [...source.notes(), ...(revenue?.notes() ?? [])],
  };
}

/** The drivers in force, for people: the project's own after what they stand before. */
export const driversInForce = ({ drivers }: Policy): Policy['drivers'] => ({
  ...DEFAULT_DRIVERS,
  ...drivers,
});

/** Deleted ones as well: they cost something in months gone by. */
async function allTenants(store: ControlStore): Promise<Tenant[]> {
  const tenants: Tenant[] = [];
  for await (const tenant of store.tenants({ limit: null, after: null }, () => true).items)
    tenants.push(tenant);
  return tenants;
}

const costTenant = ({ id, name, plan, isolation, status, createdAt, updatedAt }: Tenant): CostTenant => ({
  id,
  name,
  plan,
  isolation,
  status,
  createdAt,
  deletedAt: status === 'deleted' ? updatedAt : null,
});

/** Stripe customer → tenant id. */
const customersOf = (tenants: readonly Tenant[]): ReadonlyMap<string, string> =>
  new Map(
    tenants.flatMap(({ id, stripeCustomerId }) =>
      stripeCustomerId === null ? [] : [[stripeCustomerId, id] as const],
    ),
  );
