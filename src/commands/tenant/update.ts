import { usageError } from '../../core/errors.ts';
import { findPlan } from '../../core/plans.ts';
import { type TenantInput, updateTenant } from '../../core/tenants/mutations.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { mutate } from '../mutate.ts';
import { existing } from '../tenant-lookup.ts';
import { withCustomer } from './customer.ts';
import {
  billFromOption,
  createCustomerOption,
  limitOption,
  nameOption,
  planOption,
  stripeCustomerOption,
  type TenantOptions,
  tenantInput,
} from './input.ts';
import { printOutcome } from './view.ts';

export function update(host: Host) {
  const command = define('update <id>', {
    summary: 'Change a tenant’s plan, limits, name or Stripe customer',
    details:
      'Limits and inherited key rates change live: the next call sees them. The tenant’s own limits and keys with a rate of their own stay.\nA tenant is billed from the day on which its first customer is linked, unless --bill-from says another; another customer takes over from there.',
    examples: [
      'tenant update acme --plan enterprise',
      'tenant update acme --stripe-customer cus_NffrFeUfNV2Hib --bill-from 2026-11-01',
      'tenant update acme --create-customer',
      'tenant update acme --limit maxUsers=50 --limit storageBytes=plan',
    ],
    exits: [3, 5],
  })
    .addOption(planOption())
    .addOption(nameOption())
    .addOption(stripeCustomerOption())
    .addOption(createCustomerOption())
    .addOption(billFromOption())
    .addOption(limitOption())
    .addOption(dryRunOption());
  return onRun(host, command, runUpdate);
}

async function runUpdate(
  cx: Context,
  id: string,
  options: TenantOptions & { dryRun?: boolean },
): Promise<void> {
  checkTenantId(id);
  const config = await cx.config();
  const input = tenantInput(options, config, cx.now());
  if (options.createCustomer !== true && Object.values(input).every((flag) => flag === undefined)) {
    throw usageError('nothing_to_update', 'nothing to update was given', {
      hint: 'give --plan, --name, --stripe-customer, --create-customer, --bill-from or --limit',
      next: 'saasctl tenant update --help',
    });
  }
  const done = await mutate(cx, {
    plan: async (store) => {
      const tenant = await existing(store.tenant(id), id);
      const current = () => findPlan(config.project.plans, tenant.plan);
      const changed = (customer: Pick<TenantInput, 'stripeCustomerId'>) =>
        updateTenant(tenant, { ...input, ...customer }, current, cx.now());
      if (options.createCustomer !== true) return changed({ stripeCustomerId: input.stripeCustomerId });
      return withCustomer(cx, tenant, id, options.dryRun === true, changed);
    },
    danger: 'mild',
    doing: `update tenant ${id}`,
    id,
    dryRun: options.dryRun,
  });
  await printOutcome(cx, done);
}
