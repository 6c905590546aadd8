import type { GateEdit } from '../gate/edits.ts';
import { type Change, changesBetween, type TenantMutation } from '../mutation.ts';
import { gateLimits } from '../plans.ts';
import { isoTime } from '../time.ts';
import { mayBecome } from './states.ts';
import { gateStatus, type Tenant } from './tenant.ts';

const FIELDS = [
  'name',
  'plan',
  'isolation',
  'status',
  'limits',
  'overrides',
  'rate',
  'overage',
  'lease',
  'stripeCustomerId',
  'billFrom',
  'apiUrl',
  'failure',
] as const;

/** What an audit entry, a dry run and a question show. A run is shown by its id, and only where it takes over or ends. */
export function tenantChanges(before: Tenant | null, after: Tenant): Change[] {
  const changes = changesBetween(before, after, FIELDS);
  const [from, to] = [before?.operation?.id ?? null, after.operation?.id ?? null];
  return before === null || from === to ? changes : [...changes, { field: 'operation', from, to }];
}

/** A tenant's limits as its gate holds them. */
export const limitsFor = (tenant: Tenant) =>
  gateLimits({ name: tenant.plan, overage: tenant.overage, lease: tenant.lease }, tenant.limits);

export function unchanged(action: string, tenant: Tenant): TenantMutation {
  return {
    kind: 'tenant',
    action,
    outcome: 'unchanged',
    tenantId: tenant.id,
    before: tenant,
    after: tenant,
    changes: [],
    gate: [],
  };
}

/**
 * A changed tenant: the edits that its fields make necessary on the gate, and no others; with `rewrite` all that a
 * profile says of a gate. A status that may not follow is a bug of the caller.
 */
export function change(
  action: string,
  before: Tenant,
  fields: Partial<Tenant>,
  now: number,
  { more = [], rewrite = false }: { more?: GateEdit[]; rewrite?: boolean } = {},
): TenantMutation {
  const after: Tenant = { ...before, ...fields };
  if (after.status !== before.status && !mayBecome(before.status, after.status))
    throw new Error(`${action}: ${before.status} is not followed by ${after.status}`);
  const changes = tenantChanges(before, after);
  const gate: GateEdit[] = [];
  if (rewrite || gateStatus(after.status) !== gateStatus(before.status))
    gate.push({ edit: 'status', to: gateStatus(after.status) });
  if (rewrite || JSON.stringify(limitsFor(after)) !== JSON.stringify(limitsFor(before)))
    gate.push({ edit: 'limits', to: limitsFor(after) });
  if (rewrite || JSON.stringify(after.rate) !== JSON.stringify(before.rate))
    gate.push({ edit: 'rates', to: after.rate });
  gate.push(...more);
  if (changes.length === 0 && gate.length === 0) return unchanged(action, before);
  return {
    kind: 'tenant',
    action,
    outcome: 'updated',
    tenantId: before.id,
    before,
    after: { ...after, updatedAt: isoTime(now), version: before.version + 1 },
    changes,
    gate,
  };
}
