import type { GateEdit } from './gate/edits.ts';
import type { Key } from './keys/key.ts';
import type { Tenant } from './tenants/tenant.ts';

/**
 * A mutation as a value: the core makes it, a dry run renders it, the question shows it, the store commits
 * it in one transaction, the tests compare it.
 */
export type Mutation = TenantMutation | KeyMutation;

export interface Change {
  field: string;
  from: unknown;
  to: unknown;
}

interface Base<Kind extends string, Outcome extends string, Thing> {
  kind: Kind;
  /** `tenant.create`, `key.rotate` …: the audit's word. */
  action: string;
  outcome: Outcome;
  tenantId: string;
  before: Thing | null;
  after: Thing;
  changes: Change[];
  /** What happens to the tenant's gate, in the same transaction. */
  gate: GateEdit[];
}

export type TenantMutation = Base<'tenant', 'created' | 'updated' | 'unchanged', Tenant>;

export interface KeyMutation
  extends Base<'key', 'created' | 'rotated' | 'already_rotating' | 'revoked' | 'updated' | 'unchanged', Key> {
  /** The hash that will lead to a new secret. */
  mapping: { hash: string; secretId: string } | null;
  /** Version the tenant must still have: a key that inherits a rate must not miss a change of it. */
  tenantVersion: number | null;
  /** A name taken (from an expired key that had it, where `from` says so) or given back. */
  name: { claim: string; from: string | null } | { release: string } | null;
}

/** Field by field, what differs; nested values are compared as JSON. */
export function changesBetween<T extends object>(
  before: T | null,
  after: T,
  fields: readonly (keyof T & string)[],
): Change[] {
  return fields
    .map((field) => ({ field, from: before?.[field] ?? null, to: after[field] ?? null }))
    .filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to));
}
