import type { Config } from '../config/load.ts';
import { stackName, targetNamed, wantedTargets } from '../config/stack-names.ts';
import type { StackState } from '../core/deploy/ports.ts';
import { standingOf } from '../core/deploy/states.ts';
import type { Context } from './context.ts';
import { attempt, type Finding, few, ok } from './finding.ts';
import { type Behind, comparison } from './stack-behind.ts';
import { livingStacks } from './stack-living.ts';

/** What new accounts have; a handful of requests at once, and callers meet 503. */
const SMALL_CONCURRENCY = 100;

/**
 * Credentials, account, region and quotas of an AWS profile; its stacks, and those of its tenants. `false`: without
 * an account there is nothing more to look at.
 */
export async function* deployment(cx: Context, config: Config): AsyncGenerator<Finding, boolean> {
  if (config.isLocal) return true;
  const { profile } = config;
  const opened = await attempt('account', async () => {
    const cloud = await cx.cloud();
    return { cloud, ...(await cloud.account()) };
  });
  if ('finding' in opened) {
    yield opened.finding;
    return false;
  }
  const { cloud, arn, concurrency } = opened.value;
  yield ok('account', `${profile.account} in ${profile.region}, as ${arn}`);
  yield await quota(concurrency);
  const behindIn = comparison(cx, cloud);
  for (const target of wantedTargets(profile.deploy)) {
    const name = stackName(profile.stack, target);
    const found = await attempt('stack', () => cloud.stacks.describe(name));
    yield 'finding' in found ? found.finding : await stackFinding(cx, behindIn, name, found.value);
  }
  const living = await attempt('tenant stacks', () => livingStacks(cloud, profile));
  if ('finding' in living) {
    yield living.finding;
    return true;
  }
  const { tenants, unwanted } = living.value;
  for (const { name } of unwanted) {
    const detail = `${name} is no more in this profile, and runs on`;
    yield { check: 'stack', status: 'warn', detail, remedy: `saasctl destroy ${name}` };
  }
  yield await tenantsFinding(cx, behindIn, tenants);
  return true;
}

async function quota(concurrency: () => Promise<{ limit: number; unreserved: number }>): Promise<Finding> {
  const found = await attempt('concurrency', concurrency);
  if ('finding' in found) return { ...found.finding, status: 'warn' };
  const { limit, unreserved } = found.value;
  if (limit > SMALL_CONCURRENCY)
    return ok('concurrency', `${limit} functions at once, ${unreserved} unreserved`);
  return {
    check: 'concurrency',
    status: 'warn',
    detail: `the account runs ${limit} functions at once, and each request takes two; new accounts begin with 10, the usual quota is 1000`,
    remedy:
      'aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000',
  };
}

async function stackFinding(
  cx: Context,
  behindIn: Behind,
  name: string,
  state: StackState | null,
): Promise<Finding> {
  const remedy = 'saasctl deploy';
  if (state === null) return { check: 'stack', status: 'warn', detail: `${name} is not deployed`, remedy };
  const { stack } = (await cx.config()).profile;
  const target = targetNamed(stack, name);
  if (standingOf(state.status) !== 'ready') {
    const detail = `${name} is ${state.status}${state.reason === null ? '' : `: ${state.reason}`}`;
    return { check: 'stack', status: 'fail', detail, remedy };
  }
  const behind = await attempt('stack', async () => (target === null ? [] : behindIn(target, state)));
  if ('finding' in behind) return behind.finding;
  const isBack = state.status.includes('ROLLBACK');
  const since = isBack ? 'its last change failed and was taken back' : `deployed ${state.updatedAt}`;
  if (behind.value.length === 0) return ok('stack', `${name} ${state.status}, ${since}`);
  const detail = `${name} ${isBack ? 'went back to what ran before: its last change failed; it ' : ''}is not as this project would deploy it: ${few(behind.value)}`;
  return { check: 'stack', status: 'warn', detail, remedy };
}

async function tenantsFinding(
  cx: Context,
  behindIn: Behind,
  states: readonly StackState[],
): Promise<Finding> {
  const found = await attempt('tenant stacks', async () => {
    const wrong: string[] = [];
    for (const state of states) {
      const finding = await stackFinding(cx, behindIn, state.name, state);
      if (finding.status !== 'ok') wrong.push(state.name);
    }
    return { count: states.length, wrong };
  });
  if ('finding' in found) return found.finding;
  const { count, wrong } = found.value;
  if (wrong.length === 0)
    return ok('tenant stacks', count === 0 ? 'no tenant has one' : `${count}, each in step`);
  const remedy = `saasctl deploy --stack ${wrong[0]}`;
  return { check: 'tenant stacks', status: 'warn', detail: `not in step: ${few(wrong)}`, remedy };
}
