import { SaasctlError } from '../../core/errors.ts';
import { HOLD_MS, isHeldByAnother, type Operation } from '../../core/tenants/operation.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import { progressLine } from '../../ui/progress.ts';
import type { Context } from '../context.ts';
import { existing } from '../tenant-lookup.ts';

const POLL_MS = 1_000;

/**
 * Waits while another run works on the tenant: until it is done, has failed, or has let go. `dead`: the operation that
 * was not renewed for a whole hold by this machine's clock, whatever its own said.
 */
export async function waitForOther(
  cx: Context,
  { id }: Tenant,
): Promise<{ tenant: Tenant; dead: string | null }> {
  const silent = cx.globals.quiet || cx.globals.format === 'json';
  const progress = progressLine(cx.io, cx.now, silent);
  const store = await cx.store();
  let seen: Operation | null = null;
  let since = cx.now();
  try {
    for (;;) {
      const tenant = await existing(store.tenant(id), id);
      const { operation } = tenant;
      if (operation === null || !isHeldByAnother(operation, { id: cx.requestId, now: cx.now() }))
        return { tenant, dead: null };
      if (operation.id !== seen?.id || operation.heldUntil !== seen.heldUntil) {
        seen = operation;
        since = cx.now();
      } else if (cx.now() - since > HOLD_MS) return { tenant, dead: operation.id };
      progress.show(`${id}: waiting for ${operation.actor}, at work since ${operation.startedAt}`);
      await cx.deps.pause(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

/** The failure of a run that was waited for: it is not tried again at once. */
export function failedElsewhere({ id, failure }: Tenant, again: string): SaasctlError {
  return new SaasctlError({
    code: 'tenant_failed',
    category: 'remote',
    message: `tenant '${id}' is not ready, step ${failure?.step}: ${failure?.error}`,
    hint: 'another run had begun on it, and ended so',
    next: again,
    retryable: failure?.resumable ?? false,
  });
}
