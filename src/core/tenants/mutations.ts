import { SaasctlError, usageError } from '../errors.ts';
import type { GateEdit } from '../gate/edits.ts';
import { type GateItem, gatePk } from '../gate/layout.ts';
import type { TenantMutation } from '../mutation.ts';
import { type Plan, resolveLimits } from '../plans.ts';
import { dayOf, isoTime } from '../time.ts';
import { change, limitsFor, tenantChanges, unchanged } from './change.ts';
import { JWT_KEY, jwtGateKey } from './jwt-access.ts';
import { editLimits, type LimitEdit } from './limits.ts';
import { operationOf, type Run, unfinished } from './operation.ts';
import { beginProvisioning, checkReady } from './provisioning.ts';
import { gateStatus, type Isolation, staying, type Tenant } from './tenant.ts';

/** What was typed: `undefined` where a flag was not given. */
export interface TenantInput {
  name?: string | undefined;
  plan?: Plan | undefined;
  isolation?: Isolation | undefined;
  stripeCustomerId?: string | undefined;
  /** `yyyy-mm-dd`. */
  billFrom?: string | undefined;
  limits?: readonly LimitEdit[] | undefined;
}

/**
 * A new tenant, ready for JWTs where the profile takes them. In the pool it is active at once; one with resources of
 * its own is provisioned by `run` first. An equal one is unchanged, or goes on being provisioned, a different one
 * is a conflict; only what was typed is compared.
 */
export function createTenant(
  existing: Tenant | null,
  id: string,
  input: TenantInput,
  defaults: { plan: Plan; ifNotExists: boolean; now: number; jwt?: boolean; run?: Run },
): TenantMutation {
  if (existing !== null) return sameTenant(existing, input, defaults);
  const plan = input.plan ?? defaults.plan;
  const { limits, overrides } = editLimits(
    { limits: resolveLimits(plan, {}), overrides: {} },
    input.limits ?? [],
    () => plan,
  );
  const at = isoTime(defaults.now);
  const isolation = input.isolation ?? 'pool';
  const { run } = defaults;
  const begun = run === undefined ? 'pending' : 'provisioning';
  const tenant: Tenant = {
    id,
    name: input.name ?? id,
    plan: plan.name,
    isolation,
    status: isolation === 'pool' ? 'active' : begun,
    limits,
    overrides,
    rate: { perSecond: plan.rate, burst: plan.burst },
    overage: plan.overage,
    lease: plan.lease,
    stripeCustomerId: input.stripeCustomerId ?? null,
    billFrom: billFrom(null, input, defaults.now),
    lateAt: null,
    apiUrl: null,
    operation: isolation === 'pool' || run === undefined ? null : operationOf(run),
    failure: null,
    createdAt: at,
    updatedAt: at,
    version: 1,
  };
  return {
    kind: 'tenant',
    action: 'tenant.create',
    outcome: 'created',
    tenantId: id,
    before: null,
    after: tenant,
    changes: tenantChanges(null, tenant),
    gate: [{ edit: 'create', gate: newGate(tenant, defaults.jwt === true) }],
  };
}

function newGate(tenant: Tenant, jwt: boolean): GateItem {
  return {
    PK: gatePk(tenant.id),
    status: gateStatus(tenant.status),
    ...limitsFor(tenant),
    ...(tenant.isolation === 'pool' ? {} : { iso: tenant.isolation }),
    m: {},
    u: {},
    k: jwt ? { [JWT_KEY.keyId]: jwtGateKey(tenant.rate) } : {},
  };
}

function sameTenant(
  existing: Tenant,
  input: TenantInput,
  { ifNotExists, run }: { ifNotExists: boolean; run?: Run },
): TenantMutation {
  if (existing.status === 'deleted') {
    throw new SaasctlError({
      code: 'tenant_id_used',
      category: 'conflict',
      message: `tenant id '${existing.id}' belonged to a tenant deleted at ${existing.updatedAt}`,
      hint: 'an id is never used again: old data, invoices and audit entries would seem to be the new tenant’s',
    });
  }
  const differing = ifNotExists ? [] : differences(existing, input);
  if (differing.length > 0) {
    throw new SaasctlError({
      code: 'tenant_exists',
      category: 'conflict',
      message: `tenant '${existing.id}' exists with another ${differing.map(({ field }) => field).join(', ')}`,
      hint: differing.map(({ field, is, typed }) => `${field} is ${is}, not ${typed}`).join('; '),
      next: `saasctl tenant show ${existing.id}`,
    });
  }
  if (run !== undefined && unfinished(existing) === 'provisioning') return beginProvisioning(existing, run);
  return unchanged('tenant.create', staying(existing, existing.id));
}

function differences(existing: Tenant, input: TenantInput): { field: string; is: unknown; typed: unknown }[] {
  const asked: [string, unknown, unknown][] = [
    ['name', existing.name, input.name],
    ['plan', existing.plan, input.plan?.name],
    ['isolation', existing.isolation, input.isolation],
    ['stripeCustomerId', existing.stripeCustomerId, input.stripeCustomerId],
    ['billFrom', existing.billFrom, input.billFrom],
  ];
  for (const { limit, to } of input.limits ?? []) {
    const own = Object.hasOwn(existing.overrides, limit);
    if (to === 'plan') asked.push([limit, own ? existing.limits[limit] : 'plan', 'plan']);
    else asked.push([limit, existing.limits[limit] ?? 'unlimited', to ?? 'unlimited']);
  }
  return asked
    .filter(([, is, typed]) => typed !== undefined && typed !== is)
    .map(([field, is, typed]) => ({ field, is: is ?? 'none', typed }));
}

/**
 * Changes what was typed. A new plan brings its limits and rate (the tenant's own limits stay);
 * without one, an edit of the plan in the project file is left for `plan apply`.
 */
export function updateTenant(
  existing: Tenant,
  input: TenantInput,
  current: () => Plan,
  now: number,
): TenantMutation {
  const before = staying(existing, existing.id);
  const base = input.plan
    ? { limits: resolveLimits(input.plan, before.overrides), overrides: before.overrides }
    : before;
  const customer = input.stripeCustomerId ?? before.stripeCustomerId;
  const from = billFrom(before, input, now);
  // Days that were looked at and skipped are billed now: the next sync has to look at all of them again.
  const isRebilled = customer !== before.stripeCustomerId || from !== before.billFrom;
  return change(
    'tenant.update',
    before,
    {
      ...editLimits(base, input.limits ?? [], () => input.plan ?? current()),
      ...(input.plan ? termsOf(input.plan) : {}),
      ...(input.name !== undefined ? { name: input.name } : {}),
      stripeCustomerId: customer,
      billFrom: from,
      ...(isRebilled ? { lateAt: isoTime(now) } : {}),
    },
    now,
  );
}

/**
 * A customer is billed from the day on which it is first linked, unless said: earlier usage was given away. In place
 * of another customer it takes over where that one's bills end.
 */
function billFrom(before: Tenant | null, input: TenantInput, now: number): string | null {
  const customer = input.stripeCustomerId ?? before?.stripeCustomerId ?? null;
  if (input.billFrom !== undefined && customer === null) {
    throw usageError('no_customer', '--bill-from says since when a customer is billed, and there is none', {
      hint: 'link one with --stripe-customer cus_… or --create-customer',
    });
  }
  if (input.billFrom !== undefined) return input.billFrom;
  const isFirst = customer !== null && (before?.stripeCustomerId ?? null) === null;
  return isFirst ? dayOf(now) : (before?.billFrom ?? null);
}

const termsOf = (plan: Plan): Pick<Tenant, 'plan' | 'rate' | 'overage' | 'lease'> => ({
  plan: plan.name,
  rate: { perSecond: plan.rate, burst: plan.burst },
  overage: plan.overage,
  lease: plan.lease,
});

/**
 * Carries the plan as the project file has it to one tenant on it; `undefined` where it is on another.
 * A gate that has drifted from its profile is written again, even where the profile needs no change, and one
 * that lacks the key for JWTs (`addJwt`) gets it.
 */
export function applyPlan(
  existing: Tenant,
  plan: Plan | undefined,
  drifted: boolean,
  now: number,
  addJwt = false,
): TenantMutation {
  if (plan === undefined || existing.status === 'deleted') return unchanged('plan.apply', existing);
  const fields = { ...termsOf(plan), limits: resolveLimits(plan, existing.overrides) };
  const more: GateEdit[] = addJwt
    ? [{ edit: 'addKey', keyId: JWT_KEY.keyId, key: jwtGateKey(fields.rate) }]
    : [];
  return change('plan.apply', existing, fields, now, { rewrite: drifted, more });
}

export function suspendTenant(existing: Tenant, now: number): TenantMutation {
  return change('tenant.suspend', checkReady(existing, 'suspend'), { status: 'suspended' }, now);
}

export function resumeTenant(existing: Tenant, now: number): TenantMutation {
  return change('tenant.resume', checkReady(existing, 'resume'), { status: 'active' }, now);
}

/** A tombstone: keys dead at once, the id never used again, the data left for a purge of its own. For the pool alone. */
export function deleteTenant(existing: Tenant, now: number): TenantMutation {
  if (existing.status === 'deleted') return unchanged('tenant.delete', existing);
  return change('tenant.delete', existing, { status: 'deleted' }, now, { more: [{ edit: 'removeAllKeys' }] });
}
