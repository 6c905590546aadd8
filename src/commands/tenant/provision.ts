import type { TenantMutation } from '../../core/mutation.ts';
import { goOnWith, type Run } from '../../core/tenants/operation.ts';
import { activateTenant, finishOffboarding, ours } from '../../core/tenants/provisioning.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import type { Context } from '../context.ts';
import { type Kept, resourcesOf } from './resources.ts';
import { failedElsewhere, waitForOther } from './wait.ts';
import { record, thisRun, work } from './work.ts';

/** Begins again: `dead` is the run that is known to be no more. */
export type Begin = (run: Run) => Promise<TenantMutation>;

/** What `begin` has begun, done to its end: by this run, or by the other one that is at it. */
async function carryOut(
  cx: Context,
  begun: TenantMutation,
  begin: Begin,
  doing: (tenant: Tenant, again: string) => Promise<TenantMutation>,
): Promise<TenantMutation> {
  let mutation = begun;
  for (;;) {
    const { after } = mutation;
    const again = goOnWith(after);
    if (again === null) return mutation;
    if (after.operation?.id === cx.requestId) return doing(after, again);
    const { tenant, dead } = await waitForOther(cx, after);
    if (tenant.status === 'failed') throw failedElsewhere(tenant, again);
    const run = await thisRun(cx);
    mutation = await begin(dead === null ? run : { ...run, dead });
  }
}

/** Makes what the tenant has to itself, then opens its gate. A tenant that is ready is left as it is. */
export function provision(cx: Context, begun: TenantMutation, begin: Begin): Promise<TenantMutation> {
  return carryOut(cx, begun, begin, async (tenant, again) => {
    const after = await work(cx, tenant, again, async (at) => {
      const { apiUrl } = await (await resourcesOf(cx)).make(tenant, at);
      at.begin('record', 'opening the gate');
      const run = await thisRun(cx);
      return record(cx, tenant.id, (now) => activateTenant(ours(now, run), apiUrl, run.now));
    });
    return { ...begun, outcome: 'created', after };
  });
}

/** Takes down what the tenant has to itself, but its data, then leaves a tombstone. */
export async function offboard(
  cx: Context,
  begun: TenantMutation,
  begin: Begin,
): Promise<{ mutation: TenantMutation; kept: Kept[] }> {
  const mutation = await carryOut(cx, begun, begin, async (tenant, again) => {
    const after = await work(cx, tenant, again, async (at) => {
      await (await resourcesOf(cx)).remove(tenant, at);
      at.begin('record', 'leaving a tombstone');
      const run = await thisRun(cx);
      return record(cx, tenant.id, (now) => finishOffboarding(ours(now, run), run.now));
    });
    return { ...begun, outcome: 'updated', after };
  });
  return { mutation, kept: await (await resourcesOf(cx)).kept(mutation.after) };
}
