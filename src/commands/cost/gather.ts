import { allocate, checkTotal } from '../../core/cost/allocate.ts';
import { DEFAULT_DRIVERS } from '../../core/cost/drivers.ts';
import type { RevenueMonth } from '../../core/cost/revenue.ts';
import type {
  Allocation,
  Bill,
  CostTenant,
  DriverAmounts,
  ListedTenant,
  Policy,
  QueryCost,
} from '../../core/cost/types.ts';
import type { Context } from '../context.ts';
import { noRevenue } from './checks.ts';
import { metered } from './drivers.ts';

/** What a run asks for. */
export interface Wanted {
  /** Ascending. */
  months: readonly string[];
  source: string;
  tenantTag: string;
  detail: 'services' | 'features';
  /** Nothing that was kept is used, of usage, bills or revenue. */
  fresh?: boolean;
  /** Without revenue there is nothing to say. */
  needsRevenue?: boolean;
}

/** One month with everything that a report says of it. */
export interface GatheredMonth {
  bill: Bill;
  /** Made anew at each call: of many tenants and months no more than one needs to be held. */
  allocation(): Allocation;
  usage(): ReadonlyMap<string, DriverAmounts>;
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
  /** The tag that the bills name tenants by. */
  tenantTag: string;
  /** Where revenue comes from; `null`: nowhere. */
  revenueName: string | null;
  notes: readonly string[];
}

/** The bills, what was metered, and what came in. Everything is allocated before anything is left out of a view. */
export async function gather(cx: Context, wanted: Wanted): Promise<Gathered> {
  const { months } = wanted;
  const { project, profile } = await cx.config();
  const policy: Policy = project.cost;
  const now = cx.now();
  const census = await (await cx.backend()).census();
  // Both are waited for below; what fails before that is said first.
  const listing = census.tenants();
  listing.catch(() => {});
  const world = await cx.cost();
  const reading = metered(census, await world.meters(), listing, {
    months,
    now,
    fresh: wanted.fresh === true,
  });
  reading.catch(() => {});
  const all = await listing;
  const tenants = all.map(costTenant);
  const source = await world.bills({
    ...wanted,
    tenantIds: all.filter(({ status }) => status !== 'deleted').map(({ id }) => id),
    maxRequests: project.cost.maxRequests ?? null,
  });
  const revenue = await world.revenue(customersOf(all), wanted.fresh === true);
  if (wanted.needsRevenue === true && revenue === null) throw noRevenue(profile.stripe);
  const bills = await source.bills({ months, detail: wanted.detail });
  for (const bill of bills) checkTotal(bill);
  const usage = await reading;
  const gathered: GatheredMonth[] = [];
  for (const [at, bill] of bills.entries()) {
    const metered = usage.months[at];
    const amounts = () => metered?.amounts() ?? new Map<string, DriverAmounts>();
    gathered.push({
      bill,
      allocation: () => allocate({ bill, tenants, usage: metered?.columns ?? amounts(), policy }),
      usage: amounts,
      callsByDay: [...(metered?.calls.values() ?? [])],
      revenue: (await revenue?.month(bill.month)) ?? null,
    });
  }
  return {
    months: gathered,
    tenants,
    policy,
    queryCost: source.queryCost(),
    sourceName: source.name,
    tenantTag: source.tenantKey,
    revenueName: revenue?.name ?? null,
    notes: [...source.notes(), ...usage.notes, ...(revenue?.notes() ?? [noMargin(profile.stripe)])],
  };
}

const noMargin = (mode: string): string =>
  mode === 'stand-in'
    ? 'no revenue, fees or margin: the profile has the stand-in for Stripe, which takes no money'
    : `no revenue, fees or margin: there is no Stripe key of mode ${mode}`;

/** The drivers in force, for people: the project's own after what they stand before. */
export const driversInForce = ({ drivers }: Policy): Policy['drivers'] => ({
  ...DEFAULT_DRIVERS,
  ...drivers,
});

const costTenant = ({
  id,
  name,
  plan,
  isolation,
  status,
  createdAt,
  updatedAt,
}: ListedTenant): CostTenant => ({
  id,
  name,
  plan,
  isolation,
  status,
  createdAt,
  deletedAt: status === 'deleted' ? updatedAt : null,
});

/** Stripe customer → tenant id. */
const customersOf = (tenants: readonly ListedTenant[]): ReadonlyMap<string, string> =>
  new Map(
    tenants.flatMap(({ id, stripeCustomerId }) =>
      stripeCustomerId === null ? [] : [[stripeCustomerId, id] as const],
    ),
  );
