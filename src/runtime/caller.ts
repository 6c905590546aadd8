import { AsyncLocalStorage } from 'node:async_hooks';
import { Forbidden } from './tenant-data/errors.ts';

const callers = new AsyncLocalStorage<string>();

/** Runs what is done on behalf of a tenant's caller, and all that it starts. */
export const onBehalfOf = <T>(tenantId: string, run: () => T): T => callers.run(tenantId, run);

/**
 * Throws `Forbidden` where a caller is served who is another tenant: an id out of a request, or something that an
 * earlier request left in the sandbox. Outside `withTenant` anybody's data may be worked on.
 */
export function refuseOthers(tenantId: string): void {
  const caller = callers.getStore();
  if (caller !== undefined && caller !== tenantId) throw new Forbidden('this is not the caller’s tenant');
}
