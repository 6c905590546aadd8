import type { StackChange } from '../../core/deploy/ports.ts';
import type { SaasctlError } from '../../core/errors.ts';
import type { Step } from '../../core/tenants/operation.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import type { Context } from '../context.ts';

/** What a run at work says of itself, and is told. */
export interface Work {
  /** What comes next, for the progress line and for the failure that it may end in. */
  begin(step: Step, doing: string): void;
  /** For the progress line. */
  say(doing: string): void;
  /** Between two calls: keeps the hold. Throws where the run was interrupted, or another one has taken over. */
  goOn(): Promise<void>;
}

/** Something that a tenant has to itself, as a dry run shows it. */
export type Resource = Pick<StackChange, 'action' | 'logicalId' | 'type' | 'replacement'>;

/** Data that outlives its tenant. `remove`: the command that would delete it; `null`: it goes with the local store. */
export interface Kept {
  table: string;
  remove: string | null;
}

/** What bridge and silo tenants have to themselves, on the profile in force. Each part may be done again. */
export interface TenantResources {
  /** Throws where the profile does not say what a silo runs: it would be the example that ships. */
  checkCode(): void;
  /** What `make` would fail of, as somebody else has a stack of that name; `null`: nothing. */
  stranger(id: string): Promise<SaasctlError | null>;
  /** What `make` would do; nothing is left behind. */
  preview(tenant: Tenant): Promise<Resource[]>;
  make(tenant: Tenant, work: Work): Promise<{ apiUrl: string | null }>;
  /** Throws `would_delete_data` where `remove` would take data with it. */
  checkRemoval(tenant: Tenant): Promise<void>;
  /** Takes down everything but data. */
  remove(tenant: Tenant, work: Work): Promise<void>;
  /** What `remove` leaves behind, as far as it is there. */
  kept(tenant: Tenant): Promise<Kept[]>;
}

/** Tables in the embedded engine, or a stack on AWS. */
export async function resourcesOf(cx: Context): Promise<TenantResources> {
  const { isLocal } = await cx.config();
  if (isLocal) {
    const { localResources } = await import('./local-resources.ts');
    return localResources(cx);
  }
  const { stackResources } = await import('./stack-resources.ts');
  return stackResources(cx);
}
