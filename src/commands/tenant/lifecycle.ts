import type { TenantMutation } from '../../core/mutation.ts';
import { resumeTenant, suspendTenant } from '../../core/tenants/mutations.ts';
import { checkTenantId, type Tenant } from '../../core/tenants/tenant.ts';
import type { Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { type Danger, mutate } from '../mutate.ts';
import { existing } from '../tenant-lookup.ts';
import { printOutcome } from './view.ts';

interface Step {
  verb: string;
  summary: string;
  details: string;
  examples: string[];
  danger: Danger;
  step(tenant: Tenant, now: number): TenantMutation;
}

const steps: Step[] = [
  {
    verb: 'suspend',
    summary: 'Refuse all of a tenant’s calls from the next one on',
    details: 'Keys, data and usage stay; resume lets the calls through again.',
    examples: ['tenant suspend acme --yes'],
    danger: 'moderate',
    step: suspendTenant,
  },
  {
    verb: 'resume',
    summary: 'Let a suspended tenant’s calls through again',
    details: 'Its keys, limits and counters are as they were.',
    examples: ['tenant resume acme'],
    danger: 'mild',
    step: resumeTenant,
  },
];

/** suspend and resume: one step of the life of a tenant each. */
export function lifecycle(host: Host) {
  return steps.map(({ verb, summary, details, examples, danger, step }) => {
    const command = define(`${verb} <id>`, { summary, details, examples, exits: [3, 5] }).addOption(
      dryRunOption(),
    );
    return onRun(host, command, async (cx, id: string, options: { dryRun?: boolean }) => {
      checkTenantId(id);
      const done = await mutate(cx, {
        plan: async (store) => step(await existing(store.tenant(id), id), cx.now()),
        danger,
        doing: `${verb} tenant ${id}`,
        id,
        dryRun: options.dryRun,
      });
      await printOutcome(cx, done);
    });
  });
}
