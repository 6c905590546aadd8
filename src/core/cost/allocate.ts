import { addDecimals, type Decimal, formatDecimal, rescaled, ZERO } from '../decimal.ts';
import { SaasctlError } from '../errors.ts';
import { driverFinder } from './drivers.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { columnsOf, openMeters } from './meters.ts';
import { presence } from './present.ts';
import { rosterOf } from './roster.ts';
import { split, type Weights, weightsOf } from './split.ts';
import type {
  Allocation,
  Bill,
  CostLine,
  CostTenant,
  DriverAmounts,
  MeteredColumns,
  Policy,
  Treatment,
  Unallocated,
} from './types.ts';
import { BIGINTS, MOST, NUMBERS, type Whole } from './whole.ts';

export interface AllocationInput {
  bill: Bill;
  /** All that ever were: whether one carries cost of the month follows from its times. */
  tenants: readonly CostTenant[];
  /** What was metered in the month, by tenant id or by driver. */
  usage: ReadonlyMap<string, DriverAmounts> | MeteredColumns;
  policy: Policy;
}

/** Shares are never coarser than this, so that cents are rounded once, at the end. */
const LEAST_SCALE = 10;
/** Up to this scale a cent is small enough for numbers. */
const FINE = 14;

/**
 * Gives every unit of a month's bill to a tenant, or names it as unallocated. Exact: whole numbers of the finest
 * unit that the bill has. Throws as `checkTotal` does.
 */
export function allocate(input: AllocationInput): Allocation {
  const { lines } = input.bill;
  const scale = lines.reduce((finest, { amount }) => Math.max(finest, amount.scale), LEAST_SCALE);
  const size = lines.reduce((sum, { amount }) => sum + sizeOf(rescaled(amount, scale) ?? 0n), 0n);
  return scale <= FINE && size <= MOST
    ? allocateIn(NUMBERS, input, scale)
    : allocateIn(BIGINTS, input, scale);
}

const sizeOf = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

function allocateIn<T extends number | bigint>(
  whole: Whole<T>,
  { bill, tenants, usage: metered, policy }: AllocationInput,
  scale: number,
): Allocation {
  checkTotal(bill);
  const usage = 'of' in metered ? metered : columnsOf(metered);
  const { byId } = rosterOf(tenants);
  const wasThere = presence(bill.month);
  const isPresent = (id: string): boolean => {
    const tenant = byId.get(id);
    return tenant !== undefined && wasThere(tenant);
  };
  const ledger = openLedger(whole, tenants, usage.ids);
  const meters = openMeters(ledger.ids, usage, isPresent);
  const driversOf = driverFinder(policy.drivers);
  const pools = openPools();
  const follow = openPools();
  const overhead = openPools();
  let excluded = 0n;

  for (const line of bill.lines) {
    const units = rescaled(line.amount, scale) ?? 0n;
    const { tenantTag: tag } = line;
    const treatment = treatmentOf(line, policy);
    if (treatment === 'exclude') excluded += units;
    else if (treatment === 'overhead') overhead.add('overhead', line, units);
    else if (treatment === 'unallocated') ledger.leave('policy', line, units);
    else if (tag !== null && ledger.isTenant(tag)) ledger.direct(tag, line, units);
    else if (tag !== null) ledger.leave('unknown_tenant', line, units, { tag });
    else if (treatment === 'follow') follow.add('follow', line, units);
    else pools.add(meters.first(driversOf(line.service, line.usageType)), line, units);
  }

  for (const pool of pools.list()) {
    if (pool.driver === 'overhead') overhead.add('overhead', pool, pool.units);
    else if (pool.driver === 'unallocated') ledger.leave('policy', pool, pool.units);
    else {
      const weights = meters.weights(pool.driver);
      const { driver } = pool;
      if (weights.at.length > 0) ledger.share('allocated', pool, weights);
      else if (driver === 'even') ledger.leave('no_tenants', pool, pool.units);
      else ledger.leave('no_usage', pool, pool.units, { driver });
    }
  }

  // Where each service's cost went, before anything follows it.
  // Features together: how a bill is tagged by feature moves nothing between tenants.
  const left = ledger.leftOver();
  const ways = new Map(
    follow.list().map(({ service }) => [service, wayOf(service, ledger, pools.list(), left)]),
  );
  for (const pool of follow.list()) {
    const way = ways.get(pool.service);
    if (way === undefined || way.parts.at.length === 0) {
      overhead.add('overhead', pool, pool.units);
      continue;
    }
    split(pool.units, way.parts, (at, units) => {
      const left = way.left[at - 2];
      if (left !== undefined) ledger.leave(left.reason, pool, units, left);
      else if (at === 0) ledger.share('allocated', { ...pool, units }, way.tenants);
      else overhead.add('overhead', pool, units);
    });
  }

  const weights = overheadWeights(policy, ledger, isPresent);
  for (const pool of overhead.list()) {
    if (weights.at.length > 0) ledger.share('overhead', pool, weights);
    else ledger.leave(whyNot(policy, ledger.ids.some(isPresent)), pool, pool.units);
  }

  const totals = ledger.totals();
  const all = rescaled(bill.total, scale) ?? 0n;
  const given = totals.direct + totals.allocated + totals.overhead + totals.unallocated;
  if (given + excluded !== all) {
    throw new Error(`allocated ${given} and ${excluded} of ${all} units at scale ${scale}`);
  }
  return {
    month: bill.month,
    currency: bill.currency,
    scale,
    bill: given,
    excluded,
    tenants: ledger.parts(),
    totals,
    unallocated: ledger.leftOver(),
    shares: ledger.shares,
    pools: pools.list().map(({ driver, service, units }) => ({ driver, service, units })),
    drift: driftOf(bill.lines, usage),
  };
}

/** Throws `cost_does_not_add_up` where a bill's lines are not what its source says the month costs. */
export function checkTotal({ month, currency, lines, total }: Bill): void {
  const sum = lines.reduce<Decimal>((so_far, { amount }) => addDecimals(so_far, amount), ZERO);
  const difference = addDecimals(total, { units: -sum.units, scale: sum.scale });
  if (difference.units === 0n) return;
  throw new SaasctlError({
    code: 'cost_does_not_add_up',
    category: 'remote',
    message: `${month}: the lines are ${formatDecimal(sum)} ${currency}, the total is ${formatDecimal(total)}: ${formatDecimal(difference)} ${currency} apart`,
    hint: 'cost data may have changed between two requests; nothing was allocated',
    next: `saasctl cost report --month ${month}`,
    retryable: true,
  });
}

const KINDS = {
  support: 'support',
  tax: 'tax',
  credit: 'credits',
  refund: 'refunds',
  adjustment: 'refunds',
} as const;

/**
 * What became of a service's cost: tenants carry some, some is overhead, some is nobody's. What follows it is divided
 * the same way, so that a credit for all of a service is not given to the few tenants with resources of their own.
 */
function wayOf<T extends number | bigint>(
  service: string | null,
  ledger: Ledger<T>,
  pools: readonly Pool[],
  leftOver: readonly Unallocated[],
) {
  const tenants = weightsOf(ledger.costOf(service));
  const left = leftOver.filter((entry) => entry.service === service);
  const shared = pools
    .filter((pool) => pool.service === service && pool.driver === 'overhead')
    .reduce((sum, { units }) => sum + units, 0n);
  const carried = tenants.cumulative.at(-1) ?? 0;
  return { tenants, left, parts: weightsOf([carried, shared, ...left.map(({ units }) => units)]) };
}

/** `null`: as usage. */
function treatmentOf({ recordType }: CostLine, policy: Policy): Treatment | null {
  return recordType === 'usage' || recordType === 'purchase' ? null : policy[KINDS[recordType]];
}

function overheadWeights<T extends number | bigint>(
  { overhead }: Policy,
  { ids, cost }: Ledger<T>,
  isPresent: (id: string) => boolean,
): Weights {
  if (overhead === 'none') return weightsOf([]);
  return weightsOf(overhead === 'even' ? ids.map((id) => (isPresent(id) ? 1 : 0)) : cost());
}

function whyNot({ overhead }: Policy, anyPresent: boolean): 'policy' | 'no_tenants' | 'no_cost' {
  if (overhead === 'none') return 'policy';
  return anyPresent ? 'no_cost' : 'no_tenants';
}

interface Pool {
  driver: string;
  service: string | null;
  feature: string | null;
  units: bigint;
}

/** Shared cost of one driver, service and feature together: the finest that is ever shown. */
function openPools() {
  const pools = new Map<string, Pool>();
  return {
    add(
      driver: string,
      { service, feature }: { service: string | null; feature: string | null },
      units: bigint,
    ) {
      const key = JSON.stringify([driver, service, feature]);
      const pool = pools.get(key);
      if (pool === undefined) pools.set(key, { driver, service, feature, units });
      else pool.units += units;
    },
    list: (): Pool[] => [...pools.values()],
  };
}

const API_GATEWAY = /API ?Gateway/i;

/**
 * Requests to the shared API as API Gateway bills them, against those that the gate counted of who uses it: the calls
 * to an API of a tenant's own are in neither, since not every source says how many those were.
 */
function driftOf(lines: readonly CostLine[], usage: MeteredColumns): Allocation['drift'] {
  const billed = lines.filter(
    ({ tenantTag, usageType, quantity }) =>
      tenantTag === null && quantity !== null && /ApiGateway(Http)?Request/.test(usageType ?? ''),
  );
  if (billed.length === 0) return null;
  const sum = billed.reduce<Decimal>((so_far, { quantity }) => addDecimals(so_far, quantity ?? ZERO), ZERO);
  const apart = new Set(
    lines
      .filter(({ service, recordType }) => recordType === 'usage' && API_GATEWAY.test(service ?? ''))
      .map(({ tenantTag }) => tenantTag),
  );
  let metered = 0n;
  const calls = usage.of('requests');
  for (const [at, id] of usage.ids.entries()) if (!apart.has(id)) metered += BigInt(calls[at] ?? 0);
  return { metered, billed: sum.units / 10n ** BigInt(sum.scale) };
}
