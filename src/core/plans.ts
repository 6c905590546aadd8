import { usageError } from './errors.ts';
import { NEVER } from './gate/layout.ts';
import { didYouMean } from './nearest.ts';

/** What a tenant on a plan may use. `null` is unlimited. */
export interface Plan {
  name: string;
  apiCallsPerMonth: number | null;
  storageBytes: number | null;
  maxUsers: number | null;
  /** Calls a second a key sustains, unless it has a rate of its own; `null`: no rate limit. */
  rate: number | null;
  /** Calls a key may make at once. */
  burst: number;
  /** Calls that a busy sandbox takes with one write, at most the burst; 1, the default, is exact. */
  lease: number;
  features: string[];
  /** Past the monthly calls: `block` refuses, `bill` counts on. */
  overage: 'block' | 'bill';
}

export interface Limits {
  apiCallsPerMonth: number | null;
  storageBytes: number | null;
  maxUsers: number | null;
}
export const LIMITS: readonly (keyof Limits)[] = ['apiCallsPerMonth', 'storageBytes', 'maxUsers'];

/** A tenant's own limits, in place of its plan's. */
export type LimitOverrides = Partial<Limits>;

/** The limits in force: the plan's, each replaced by the tenant's own where it has one. */
export function resolveLimits(plan: Plan, overrides: LimitOverrides): Limits {
  const pick = (limit: keyof Limits): number | null => {
    const own = overrides[limit];
    return own === undefined ? plan[limit] : own;
  };
  return {
    apiCallsPerMonth: pick('apiCallsPerMonth'),
    storageBytes: pick('storageBytes'),
    maxUsers: pick('maxUsers'),
  };
}

/** Limits as the gate stores and enforces them. */
export interface GateLimits {
  plan: string;
  limit: number;
  calls: number;
  bytes: number;
  users: number;
  /** The plan's lease. */
  n: number;
}

export function gateLimits(plan: Pick<Plan, 'name' | 'overage' | 'lease'>, limits: Limits): GateLimits {
  const calls = limits.apiCallsPerMonth ?? NEVER;
  return {
    plan: plan.name,
    limit: plan.overage === 'bill' ? NEVER : calls,
    calls,
    bytes: limits.storageBytes ?? NEVER,
    users: limits.maxUsers ?? NEVER,
    n: plan.lease,
  };
}

/** The plan of that name among the project's; own names only, so `constructor` is just unknown. */
export function findPlan(plans: Readonly<Record<string, Omit<Plan, 'name'>>>, name: string): Plan {
  const plan = Object.hasOwn(plans, name) ? plans[name] : undefined;
  if (plan !== undefined) return { name, ...plan };
  const known = Object.keys(plans);
  throw usageError('unknown_plan', `no plan '${name}' in the project file`, {
    hint: `${didYouMean(name, known)}the plans are ${known.join(', ') || 'none yet'}`,
    next: 'saasctl plan list',
  });
}
