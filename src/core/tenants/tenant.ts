import { SaasctlError, usageError } from '../errors.ts';
import type { GateStatus, Rate } from '../gate/layout.ts';
import type { LimitOverrides, Limits, Plan } from '../plans.ts';
import { type Failure, type Operation, unfinished } from './operation.ts';

/** A tenant as stored and as JSON shows it. Times are ISO-8601 UTC; `null` limits are unlimited. */
export interface Tenant {
  id: string;
  name: string;
  plan: string;
  isolation: Isolation;
  status: TenantStatus;
  /** In force now: what the gate enforces, whatever the project file says meanwhile. */
  limits: Limits;
  /** The tenant's own limits among them. */
  overrides: LimitOverrides;
  /** The plan's rate in force, for keys without one of their own. */
  rate: Rate;
  overage: Plan['overage'];
  /** The plan's lease in force. */
  lease: number;
  stripeCustomerId: string | null;
  /** The first UTC day (`yyyy-mm-dd`) that is billed to the customer; `null`: every one. */
  billFrom: string | null;
  /** When usage of a day that was over was last recorded by hand: the next sync looks at every day again. */
  lateAt: string | null;
  /** Where a silo answers; `null`: not in a silo, or not known yet. */
  apiUrl: string | null;
  /** The run that makes or takes down the tenant's own resources; `null`: none, or it ended half-way. */
  operation: Operation | null;
  /** Why the status is `failed`; `null` otherwise. */
  failure: Failure | null;
  createdAt: string;
  updatedAt: string;
  /** Counts mutations; every write is conditional on it. */
  version: number;
}

export type Isolation = 'pool' | 'silo' | 'bridge';
export const ISOLATIONS: readonly Isolation[] = ['pool', 'silo', 'bridge'];

/**
 * Closed; `states.ts` says which may follow which. `pending`: recorded, and nobody has begun on its resources.
 * `failed` says why in `failure`, and the command that failed goes on from there. Only an active tenant's gate
 * admits calls.
 */
export type TenantStatus =
  | 'pending'
  | 'provisioning'
  | 'active'
  | 'suspended'
  | 'offboarding'
  | 'failed'
  | 'deleted';

const TENANT_ID = /^[a-z0-9][a-z0-9-]{1,62}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

export const isTenantId = (id: unknown): id is string => typeof id === 'string' && TENANT_ID.test(id);

export function checkTenantId(id: string): string {
  if (isTenantId(id)) return id;
  throw usageError('bad_tenant_id', `${JSON.stringify(id)} is not a tenant id`, {
    hint: 'a tenant id is 2 to 63 lower-case letters, digits and hyphens, starting with a letter or digit; it never changes',
  });
}

export function checkTenantName(name: string): string {
  if (name.trim() !== '' && name.length <= 200 && !CONTROL.test(name)) return name;
  throw usageError('bad_tenant_name', `${JSON.stringify(name.slice(0, 60))} is not a tenant name`, {
    hint: 'a name is 1 to 200 printable characters',
  });
}

export function checkStripeCustomer(id: string): string {
  if (/^cus_[A-Za-z0-9]{1,64}$/.test(id)) return id;
  throw usageError('bad_stripe_customer', `${JSON.stringify(id.slice(0, 80))} is not a Stripe customer id`, {
    hint: 'it looks like cus_NffrFeUfNV2Hib',
  });
}

/** What the gate lets through for a tenant in this state. */
export function gateStatus(status: TenantStatus): GateStatus {
  if (status === 'active') return 'active';
  return status === 'deleted' ? 'deleted' : 'suspended';
}

export function tenantNotFound(id: string): SaasctlError {
  return new SaasctlError({
    code: 'tenant_not_found',
    category: 'not_found',
    message: `no tenant '${id}'`,
    next: `saasctl tenant create ${id}`,
  });
}

/** The living tenant, or the error that says whether it never was or was deleted. */
export function living(tenant: Tenant | null, id: string): Tenant {
  if (tenant === null) throw tenantNotFound(id);
  if (tenant.status === 'deleted') {
    throw new SaasctlError({
      code: 'tenant_deleted',
      category: 'not_found',
      message: `tenant '${id}' was deleted at ${tenant.updatedAt}`,
      hint: 'a deleted id is never used again',
      next: `saasctl audit list --tenant ${id}`,
    });
  }
  return tenant;
}

/** Whether a tenant is deleted, or half-way there: its keys are dead. */
export const isLeaving = (tenant: Pick<Tenant, 'status' | 'failure'>): boolean =>
  tenant.status === 'deleted' || unfinished(tenant) === 'offboarding';

/** The living tenant that is to go on living, or the error that says that it is being deleted. */
export function staying(tenant: Tenant | null, id: string): Tenant {
  const found = living(tenant, id);
  if (!isLeaving(found)) return found;
  throw new SaasctlError({
    code: 'tenant_offboarding',
    category: 'conflict',
    message: `tenant '${id}' is being deleted`,
    hint: 'its keys are dead, and its id is never used again',
    next: `saasctl tenant delete ${id} --confirm ${id}`,
  });
}
