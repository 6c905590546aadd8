import { Option } from 'commander';
import type { Config } from '../../config/load.ts';
import { stackName } from '../../config/stack-names.ts';
import { SaasctlError, usageError } from '../../core/errors.ts';
import type { TenantMutation } from '../../core/mutation.ts';
import { findPlan } from '../../core/plans.ts';
import type { ControlStore } from '../../core/ports.ts';
import { createTenant, type TenantInput } from '../../core/tenants/mutations.ts';
import type { Run } from '../../core/tenants/operation.ts';
import { deleteTableCommand } from '../../core/tenants/reconcile.ts';
import { checkTenantId, ISOLATIONS, type Isolation, type Tenant } from '../../core/tenants/tenant.ts';
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
import { provision } from './provision.ts';
import { resourcesOf } from './resources.ts';
import { printOutcome } from './view.ts';
import { thisRun } from './work.ts';

interface Options extends TenantOptions {
  isolation?: Isolation;
  ifNotExists?: boolean;
  adoptData?: boolean;
  dryRun?: boolean;
}

export function create(host: Host) {
  const command = define('create <id>', {
    summary: 'Provision a tenant: profile and gate, and what it has to itself',
    details:
      'Isolation: pool shares the tables (IAM keeps tenants apart); bridge has a data table of its own; silo has functions, role, API and data table of its own, in a stack of its own; the profile states its code (deploy.service or deploy.silo.code). On the profile local, bridge and silo have the table. A data table of that id that is there before the tenant is refused without --adopt-data.\nThe tenant admits calls once all of it is there. Stopped half-way, the same command does the rest; then it is "unchanged". Only the flags given are compared, and a different value is a conflict.\nWithout --plan the plan is free.',
    examples: [
      'tenant create acme --plan pro',
      'tenant create acme --plan pro --limit apiCallsPerMonth=250000',
      'tenant create acme --plan pro --create-customer',
      'tenant create acme --plan enterprise --isolation silo',
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
    .option('--adopt-data', 'with bridge and silo: take in the data table of that id that is there already')
    .addOption(dryRunOption());
  return onRun(host, command, runCreate);
}

async function runCreate(cx: Context, id: string, options: Options): Promise<void> {
  checkTenantId(id);
  const config = await cx.config();
  const input = { ...tenantInput(options, config, cx.now()), isolation: options.isolation };
  if (options.isolation !== undefined) checkStackName(config, id, options.isolation);
  const plan = input.plan ?? findPlan(config.project.plans, 'free');
  const begin = (run: Run) =>
    mutate(cx, {
      plan: async (store) => {
        // Asked for first: a tenant is written down before its table is made, by whichever run.
        const table = await tableOf(store, id, input);
        const existing = await tenantOf(cx, store, id, input);
        if (existing === null && table !== null) refuseStray(config, id, table, options);
        const defaults = {
          plan,
          ifNotExists: options.ifNotExists === true,
          now: cx.now(),
          jwt: config.profile.jwt !== undefined,
          run: { ...run, now: cx.now() },
        };
        const resources = await resourcesOf(cx);
        const made = (customer: Pick<TenantInput, 'stripeCustomerId'>) => {
          const mutation = createTenant(existing, id, { ...input, ...customer }, defaults);
          if (mutation.outcome !== 'unchanged' && mutation.after.isolation === 'silo') resources.checkCode();
          return mutation;
        };
        if (options.createCustomer !== true) return made({ stripeCustomerId: input.stripeCustomerId });
        return withCustomer(cx, existing, id, options.dryRun === true, made);
      },
      danger: 'mild',
      doing: `create tenant ${id}`,
      id,
      dryRun: options.dryRun,
    });
  const done = await begin(await thisRun(cx));
  if (options.dryRun) return printPreview(cx, done);
  const mutation = await provision(cx, done.mutation, async (run) => (await begin(run)).mutation);
  await printOutcome(cx, { mutation, planned: false });
}

/** What is planned, with what the tenant would have to itself. */
async function printPreview(cx: Context, done: { mutation: TenantMutation; planned: boolean }) {
  const tenant = done.mutation.after;
  if (!done.planned || tenant.isolation === 'pool') return printOutcome(cx, done);
  const resources = await (await resourcesOf(cx)).preview(tenant);
  await printOutcome(cx, done, { resources });
}

/** The tenant, if there is one. An id is gone with its first tenant: none is begun where somebody's stack is in its way. */
async function tenantOf(
  cx: Context,
  store: ControlStore,
  id: string,
  { isolation = 'pool' }: Pick<TenantInput, 'isolation'>,
): Promise<Tenant | null> {
  const existing = await store.tenant(id);
  if (existing !== null || isolation === 'pool') return existing;
  const stranger = await (await resourcesOf(cx)).stranger(id);
  if (stranger === null) return null;
  // Read again: a tenant is written down before its stack is made, by whichever run.
  const meanwhile = await store.tenant(id);
  if (meanwhile === null) throw stranger;
  return meanwhile;
}

interface FoundTable {
  name: string;
  isProtected: boolean;
  fits: boolean;
}

async function tableOf(
  { dataTables }: ControlStore,
  id: string,
  { isolation = 'pool' }: Pick<TenantInput, 'isolation'>,
): Promise<FoundTable | null> {
  const found = isolation === 'pool' ? null : await dataTables.find(id);
  return found === null ? null : { name: dataTables.name(id), ...found };
}

/** A table that was there before its tenant holds somebody's data: an earlier owner's, who is in no record any more. */
function refuseStray(
  { profile, isLocal }: Config,
  id: string,
  { name, isProtected, fits }: FoundTable,
  { isolation, adoptData = false }: Options,
): void {
  if (!fits) {
    throw new SaasctlError({
      code: 'data_table_unlike',
      category: 'conflict',
      message: `table ${name} is there, and is no data table: its keys are not PK and SK`,
      hint: 'no tenant can be given it; nothing was changed',
      next: `aws dynamodb describe-table --table-name ${name} --region ${profile.region}`,
    });
  }
  if (adoptData) return;
  const remove = deleteTableCommand(name, profile.region, isProtected);
  throw new SaasctlError({
    code: 'data_table_exists',
    category: 'conflict',
    message: `data table ${name} is there, and there is no tenant '${id}': its data is of somebody before`,
    hint: `nothing was changed; --adopt-data gives it to the new tenant${isLocal ? '' : `, and this deletes it for good: ${remove}`}`,
    next: `saasctl tenant create ${id} --isolation ${isolation} --adopt-data`,
  });
}

/** CloudFormation's names have an end, and a tenant's stack has its id in it. */
function checkStackName({ profile, isLocal }: Config, id: string, isolation: Isolation): void {
  const name = stackName(profile.stack, { kind: 'silo', tenantId: id });
  if (isolation === 'pool' || isLocal || name.length <= LONGEST_STACK_NAME) return;
  throw usageError('tenant_id_too_long', `${id} is too long an id for a ${isolation} tenant`, {
    hint: `its stack would be ${name}, longer than the ${LONGEST_STACK_NAME} characters that CloudFormation takes`,
  });
}

const LONGEST_STACK_NAME = 128;
