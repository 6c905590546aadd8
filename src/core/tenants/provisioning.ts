import { SaasctlError } from '../errors.ts';
import type { TenantMutation } from '../mutation.ts';
import { change, unchanged } from './change.ts';
import {
  type Failure,
  failureOf,
  goOnWith,
  isHeldByAnother,
  operationOf,
  type Run,
  type Step,
  unfinished,
} from './operation.ts';
import { living, type Tenant } from './tenant.ts';

/** This run makes what is still missing of the tenant's resources. Unchanged where another run is at it. */
export function beginProvisioning(tenant: Tenant, run: Run): TenantMutation {
  if (isHeldByAnother(tenant.operation, run)) return unchanged('tenant.create', tenant);
  const fields = { status: 'provisioning', operation: operationOf(run), failure: null } as const;
  return change('tenant.provision', tenant, fields, run.now);
}

/** All is there: the gate opens. `apiUrl`: where a silo answers. */
export function activateTenant(tenant: Tenant, apiUrl: string | null, now: number): TenantMutation {
  const fields = { status: 'active', operation: null, failure: null, apiUrl } as const;
  return change('tenant.activate', tenant, fields, now);
}

/**
 * The first step of deleting a tenant with resources of its own: from here on no call passes and no key lives.
 * Unchanged where another run is deleting it, or has; a conflict while one still provisions it.
 */
export function beginOffboarding(tenant: Tenant, run: Run): TenantMutation {
  if (tenant.status === 'deleted') return unchanged('tenant.delete', tenant);
  if (isHeldByAnother(tenant.operation, run)) {
    if (unfinished(tenant) === 'offboarding') return unchanged('tenant.delete', tenant);
    throw heldElsewhere(tenant);
  }
  const fields = { status: 'offboarding', operation: operationOf(run), failure: null } as const;
  return change('tenant.offboard', tenant, fields, run.now, { more: [{ edit: 'removeAllKeys' }] });
}

/** The last step: a tombstone. */
export function finishOffboarding(tenant: Tenant, now: number): TenantMutation {
  const fields = { status: 'deleted', operation: null, failure: null, apiUrl: null } as const;
  return change('tenant.delete', tenant, fields, now);
}

/** The run could not do it; the same command goes on from here. */
export function failTenant(tenant: Tenant, run: Run, step: Step, error: unknown): TenantMutation {
  const during: Failure['during'] = tenant.status === 'offboarding' ? 'offboarding' : 'provisioning';
  const failure = failureOf(during, step, error, run.now);
  return change('tenant.fail', ours(tenant, run), { status: 'failed', operation: null, failure }, run.now);
}

/** The run was interrupted: the next one need not wait for its hold to end. */
export function releaseTenant(tenant: Tenant, run: Run): TenantMutation {
  return change('tenant.interrupt', ours(tenant, run), { operation: null }, run.now);
}

/** The tenant, unless another run has taken its work over meanwhile. */
export function ours(tenant: Tenant, { id }: Pick<Run, 'id'>): Tenant {
  if (tenant.operation?.id === id) return tenant;
  throw takenOver(tenant.id);
}

export function takenOver(id: string): SaasctlError {
  return new SaasctlError({
    code: 'taken_over',
    category: 'conflict',
    message: `another run has taken over the work on tenant '${id}'`,
    hint: 'this one stood still for longer than its hold lasts; nothing was lost, the other run goes on',
    next: `saasctl tenant show ${id}`,
    retryable: true,
  });
}

function heldElsewhere({ id, operation }: Tenant): SaasctlError {
  return new SaasctlError({
    code: 'tenant_held',
    category: 'conflict',
    message: `${operation?.actor} is provisioning tenant '${id}' since ${operation?.startedAt}`,
    hint: `nothing was changed; stop that run, or wait: it lets go at ${operation?.heldUntil} at the latest`,
    next: `saasctl tenant delete ${id}`,
    retryable: true,
  });
}

/** A tenant that can be suspended and resumed, or the error that says what has to be done first. */
export function checkReady(existing: Tenant, verb: 'suspend' | 'resume'): Tenant {
  const tenant = living(existing, existing.id);
  const next = goOnWith(tenant);
  if (next === null) return tenant;
  const { id, status } = tenant;
  throw new SaasctlError({
    code: 'tenant_not_ready',
    category: 'conflict',
    message: `tenant '${id}' is ${status}: there is nothing to ${verb}`,
    hint: 'no call of it passes until its resources are complete; nothing was changed',
    next,
  });
}
