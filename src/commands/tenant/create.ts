import { Option } from 'commander';
import { usageError } from '../../core/errors.ts';
import { findPlan } from '../../core/plans.ts';
import { createTenant, type TenantInput } from '../../core/tenants/mutations.ts';
import { checkTenantId, ISOLATIONS, type Isolation } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { mutate } from '../mutate.ts';
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

interface Options extends TenantOptions {
  isolation?: Isolation;
  ifNotExists?: boolean;
  dryRun?: boolean;
}

export function create(host: Host) {
  const command = define('create <id>', {
    summary: 'Provision a tenant: profile and gate in one transaction',
    details:
      'The same command again is "unchanged"; only the flags given are compared, and a different value is a conflict.\nWithout --plan the plan is free.',
    examples: [
      'tenant create acme --plan pro',
      'tenant create acme --plan pro --limit apiCallsPerMonth=250000',
      'tenant create acme --plan pro --create-customer',
      'tenant create acme --if-not-exists -o id',
    ],
    exits: [5],
  })
    .addOption(planOption())
    .addOption(nameOption())
    .addOption(new Option('--isolation <model>', 'how the tenant is kept apart').choices(ISOLATIONS))
    .addOption(stripeCustomerOption())
    .addOption(createCustomerOption())
    .addOption(billFromOption())
    .addOption(limitOption())
    .option('--if-not-exists', 'any living tenant of that id is "unchanged", whatever its plan')
    .addOption(dryRunOption());
  return onRun(host, command, runCreate);
}

async function runCreate(cx: Context, id: string, options: Options): Promise<void> {
  checkTenantId(id);
  const config = await cx.config();
  const input = { ...tenantInput(options, config, cx.now()), isolation: options.isolation };
  if (options.isolation !== undefined && options.isolation !== 'pool') {
    throw usageError(
      'isolation_unavailable',
      `--isolation ${options.isolation} cannot be provisioned by this version`,
      {
        hint: 'it needs tables or a stack of the tenant’s own; pool shares the tables of this stack',
        next: `saasctl tenant create ${id} --isolation pool`,
      },
    );
  }
  const plan = input.plan ?? findPlan(config.project.plans, 'free');
  const defaults = {
    plan,
    ifNotExists: options.ifNotExists === true,
    now: cx.now(),
    jwt: config.profile.jwt !== undefined,
  };
  const done = await mutate(cx, {
    plan: async (store) => {
      const existing = await store.tenant(id);
      const made = (customer: Pick<TenantInput, 'stripeCustomerId'>) =>
        createTenant(existing, id, { ...input, ...customer }, defaults);
      if (options.createCustomer !== true) return made({ stripeCustomerId: input.stripeCustomerId });
      return withCustomer(cx, existing, id, options.dryRun === true, made);
    },
    danger: 'mild',
    doing: `create tenant ${id}`,
    id,
    dryRun: options.dryRun,
  });
  await printOutcome(cx, done);
}
