import type { TenantMutation } from '../../core/mutation.ts';
import { deleteTenant } from '../../core/tenants/mutations.ts';
import type { Run } from '../../core/tenants/operation.ts';
import { beginOffboarding } from '../../core/tenants/provisioning.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { mutate } from '../mutate.ts';
import { existing } from '../tenant-lookup.ts';
import { offboard } from './provision.ts';
import { type Kept, resourcesOf } from './resources.ts';
import { printOutcome } from './view.ts';
import { thisRun } from './work.ts';

export function remove(host: Host) {
  const command = define('delete <id>', {
    summary: 'Delete a tenant: keys dead at once, the id never used again',
    details:
      'A tombstone stays, and so do the tenant’s data and its usage, which is still to be billed.\nA bridge or silo tenant’s stack is taken down; its data table stays, and the command that would delete it is named. Where a template of your own does not retain it, nothing is deleted: exit code 5. Stopped half-way, the same command does the rest.',
    examples: ['tenant delete acme --confirm acme'],
    exits: [3, 5, 7],
  }).addOption(dryRunOption());
  return onRun(host, command, runDelete);
}

async function runDelete(cx: Context, id: string, { dryRun }: { dryRun?: boolean }): Promise<void> {
  checkTenantId(id);
  const begin = (run: Run) =>
    mutate<TenantMutation>(cx, {
      plan: async (store) => {
        const tenant = await existing(store.tenant(id), id);
        if (tenant.isolation === 'pool') return deleteTenant(tenant, cx.now());
        if (tenant.status !== 'deleted') await (await resourcesOf(cx)).checkRemoval(tenant);
        return beginOffboarding(tenant, { ...run, now: cx.now() });
      },
      danger: 'severe',
      doing: `delete tenant ${id}`,
      id,
      dryRun,
    });
  const done = await begin(await thisRun(cx));
  const tenant = done.mutation.after;
  if (tenant.isolation === 'pool') return printOutcome(cx, done);
  if (dryRun) {
    const kept = await (await resourcesOf(cx)).kept(tenant);
    return printKept(cx, done, kept);
  }
  const { mutation, kept } = await offboard(cx, done.mutation, async (run) => (await begin(run)).mutation);
  await printKept(cx, { mutation, planned: false }, kept);
}

async function printKept(
  cx: Context,
  done: { mutation: TenantMutation; planned: boolean },
  kept: readonly Kept[],
): Promise<void> {
  for (const { table, remove: command } of kept) {
    const how = command === null ? 'it goes with the local store' : `delete it with  ${command}`;
    cx.note(`data table ${table} ${done.planned ? 'would be' : 'is'} kept; ${how}`);
  }
  await printOutcome(cx, done, { kept });
}
