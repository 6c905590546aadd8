import { randomUUID } from 'node:crypto';
import { SaasctlError } from '../core/errors.ts';
import type { Change } from '../core/mutation.ts';
import { isoTime } from '../core/time.ts';
import type { Context } from './context.ts';

/**
 * Writes who deployed what to the audit list. What was deployed is deployed: where the entry cannot be written, that
 * is said and no error.
 */
export async function auditDeploy(
  cx: Context,
  action: string,
  stack: string,
  changes: Change[],
): Promise<void> {
  try {
    const { store, actor } = await cx.backend();
    await store.note({
      id: randomUUID(),
      at: isoTime(cx.now()),
      actor,
      action,
      tenantId: null,
      keyId: null,
      changes: [{ field: 'stack', from: null, to: stack }, ...changes],
      requestId: cx.requestId,
    });
  } catch (error) {
    if (!(error instanceof SaasctlError)) throw error;
    cx.note(`not in the audit list: ${error.message}`);
  }
}
