import {
  stackName,
  type Target,
  targetNamed,
  tenantStacks,
  wantedTargets,
} from '../../config/stack-names.ts';
import type { Cloud, StackState } from '../../core/deploy/ports.ts';
import type { Deployed } from '../../core/deploy/run.ts';
import { EXIT, SaasctlError } from '../../core/errors.ts';
import { goOnWith } from '../../core/tenants/operation.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { few } from '../finding.ts';
import { auditDeploy } from '../stack-audit.ts';
import { comparison } from '../stack-behind.ts';
import { deployTarget } from '../stack-deploy.ts';
import { livingStacks } from '../stack-living.ts';
import { isThere, type TenantPart } from '../stack-source.ts';
import { printDeployed } from './view.ts';

interface Options {
  stack?: string;
  allowReplace?: boolean;
  exitCode?: boolean;
  dryRun?: boolean;
}

export function deploy(host: Host) {
  const command = define('deploy', {
    summary: 'Deploy the stacks of a profile to AWS, each after its changes were shown',
    details: `In this order: <stack>-bootstrap (the code bucket), <stack> (tables, authorizer,
API, billing sync), <stack>-service and <stack>-guardrails where the profile has
them. Tenants' stacks are deployed by --stack, one at a time; the command says
which are behind.
Interrupted or failed, the same command again finishes the job.

    0  deployed, or nothing to do
    2  credentials of another region, settings or code that cannot be deployed
    3  --stack names no stack of this profile
    4  credentials are missing, of another account, or lack a permission
    5  it would replace or remove data (--allow-replace), or the stack is busy
    6  CloudFormation failed; the message has the first event that did, and why
    8  with --exit-code: something is left to deploy. With --dry-run any change,
       else a tenant's stack that is behind
  130  interrupted or declined; CloudFormation ends what it has begun`,
    examples: ['deploy', 'deploy --dry-run --exit-code', 'deploy --stack acme-service --yes'],
    exits: [3, 5, 8],
  })
    .option('--stack <name>', 'one stack alone')
    .option('--allow-replace', 'let tables and other data be replaced or removed; asked for all the same')
    .option('--exit-code', 'exit code 8 where something is left to deploy')
    .addOption(dryRunOption());
  return onRun(host, command, runDeploy);
}

async function runDeploy(cx: Context, options: Options): Promise<void> {
  const { profile } = await cx.config();
  const { stack } = profile;
  const wanted = options.stack === undefined ? null : named(stack, options.stack);
  const cloud = await cx.cloud();
  const targets = wanted === null ? wantedTargets(profile.deploy) : await withBucket(cloud, stack, wanted);
  const deployed: Deployed[] = [];
  // An interrupt is the engine's to answer: it says what CloudFormation goes on with.
  await cx.uninterrupted(async () => {
    try {
      for (const target of targets) deployed.push(await one(cx, cloud, target, options));
    } catch (error) {
      // Declined or failed, the error is of the last one alone.
      const changed = deployed.filter(isChanged).map((done) => done.stack);
      if (changed.length > 0) cx.note(`deployed before that, and left as they are: ${few(changed)}`);
      throw error;
    } finally {
      // After the last: the first ones come before there are tables to write to.
      for (const done of deployed) await audit(cx, done);
    }
    await printDeployed(cx, options.stack ?? stack, deployed);
  });
  const behind = options.stack === undefined ? await lookAround(cx, cloud, options) : [];
  if (behind.length > 0) cx.note(`behind: ${few(behind)}; next: saasctl deploy --stack ${behind[0]}`);
  checkLeft(options, deployed, behind);
}

const isChanged = ({ status }: Deployed): boolean => status === 'created' || status === 'updated';

async function audit(cx: Context, done: Deployed): Promise<void> {
  if (!isChanged(done)) return;
  const { stack, status, changes } = done;
  // Of a new stack every resource is new.
  const changed =
    status === 'created'
      ? [{ field: 'resources', from: null, to: changes.length }]
      : changes.map(({ logicalId, action }) => ({ field: logicalId, from: null, to: action }));
  await auditDeploy(cx, `stack.${status === 'created' ? 'create' : 'update'}`, stack, changed);
}

function named(stack: string, name: string): Target {
  const target = targetNamed(stack, name);
  if (target !== null) return target;
  throw new SaasctlError({
    code: 'no_such_stack',
    category: 'not_found',
    message: `--stack ${JSON.stringify(name)} is no stack of this profile`,
    hint: `they are ${stack}, ${stack}-bootstrap, ${stack}-service, ${stack}-guardrails and ${tenantStacks(stack)}<id>`,
    next: 'saasctl deploy status',
  });
}

/** One stack alone; the core of an empty account has its code bucket made first. */
async function withBucket(cloud: Cloud, stack: string, target: Target): Promise<Target[]> {
  const bucket: Target = { kind: 'bootstrap' };
  if (target.kind !== 'core' || isThere(await cloud.stacks.describe(stackName(stack, bucket))))
    return [target];
  return [bucket, target];
}

async function one(cx: Context, cloud: Cloud, target: Target, options: Options): Promise<Deployed> {
  const { stack } = (await cx.config()).profile;
  const name = stackName(stack, target);
  const dryRun = options.dryRun === true;
  const tenant = target.kind === 'silo' ? await tenantPart(cx, cloud, name, target.tenantId) : null;
  // What it builds on is not there to be asked: its changes show once that is.
  if (
    dryRun &&
    target.kind !== 'core' &&
    target.kind !== 'bootstrap' &&
    !isThere(await cloud.stacks.describe(stack))
  ) {
    cx.note(`${name}: would be created once ${stack} is there`);
    return { stack: name, status: 'planned', changes: [], outputs: {} };
  }
  const command = [
    'saasctl deploy',
    ...(options.stack === undefined ? [] : ['--stack', options.stack]),
    ...(options.allowReplace === true ? ['--allow-replace'] : []),
  ].join(' ');
  return deployTarget(cx, cloud, {
    target,
    tenant,
    allowReplace: options.allowReplace === true,
    dryRun,
    command,
    ask: true,
  });
}

/** A tenant's stack begins with its tenant; one that a living tenant lacks is made again. `null`: it is there. */
async function tenantPart(
  cx: Context,
  cloud: Cloud,
  name: string,
  tenantId: string,
): Promise<TenantPart | null> {
  const state = await cloud.stacks.describe(name);
  const left = state?.status;
  if (isThere(state)) return null;
  const tenant = await (await cx.store()).tenant(tenantId);
  const isReady = tenant?.status === 'active' || tenant?.status === 'suspended';
  if (tenant !== null && isReady && tenant.isolation !== 'pool') return { isolation: tenant.isolation };
  throw new SaasctlError({
    code: 'no_such_stack',
    category: 'not_found',
    message: left === undefined ? `there is no stack ${name}` : `stack ${name} is ${left}`,
    hint: 'a tenant’s own stack is made with the tenant',
    next: (tenant && goOnWith(tenant)) ?? `saasctl tenant create ${tenantId} --isolation silo`,
  });
}

/**
 * The tenants' stacks that are not as this project would deploy them; what the project has no more is noted. The
 * deploy is done by then: where nobody asked whether something is left, a failure to look is no failure of it.
 */
async function lookAround(cx: Context, cloud: Cloud, { exitCode }: Options): Promise<string[]> {
  try {
    const { profile } = await cx.config();
    const { tenants, unwanted } = await livingStacks(cloud, profile);
    for (const { name } of unwanted)
      cx.note(`${name} is no more in this profile, and runs on; next: saasctl destroy ${name}`);
    return await tenantsBehind(cx, cloud, profile.stack, tenants);
  } catch (error) {
    if (exitCode === true || !(error instanceof SaasctlError) || error.exitCode === EXIT.bug) throw error;
    cx.note(`whether tenants’ stacks are behind is not known: ${error.message}; next: saasctl deploy status`);
    return [];
  }
}

async function tenantsBehind(
  cx: Context,
  cloud: Cloud,
  stack: string,
  tenants: readonly StackState[],
): Promise<string[]> {
  const behind: string[] = [];
  const behindIn = comparison(cx, cloud);
  for (const state of tenants) {
    const target = targetNamed(stack, state.name);
    if (target !== null && isThere(state) && (await behindIn(target, state)).length > 0)
      behind.push(state.name);
  }
  return behind;
}

function checkLeft(
  { exitCode, dryRun }: Options,
  deployed: readonly Deployed[],
  behind: readonly string[],
): void {
  if (exitCode !== true) return;
  const planned = dryRun === true ? deployed.filter(({ status }) => status === 'planned') : [];
  const left = [...planned.map(({ stack }) => stack), ...behind];
  const [first] = left;
  if (first === undefined) return;
  throw new SaasctlError({
    code: 'changes_pending',
    category: 'pending',
    message: `left to deploy: ${few(left)}`,
    next: planned.length > 0 ? 'saasctl deploy' : `saasctl deploy --stack ${first}`,
  });
}
