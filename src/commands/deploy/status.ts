import {
  stackName,
  type Target,
  targetNamed,
  tenantStacks,
  wantedTargets,
} from '../../config/stack-names.ts';
import type { Cloud } from '../../core/deploy/ports.ts';
import { isUnderWay, standingOf } from '../../core/deploy/states.ts';
import { VERSION_TAG } from '../../core/deploy/versions.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { type Behind, comparison } from '../stack-behind.ts';

interface Status {
  stack: string;
  kind: Target['kind'];
  tenantId: string | null;
  /** CloudFormation's word; `null`: not deployed. */
  status: string | null;
  deployedAt: string | null;
  /** Of the tool that deployed it. */
  version: string | null;
  /** `current`: as this project and this tool would deploy it; `behind`: not so; `absent`. */
  code: 'current' | 'behind' | 'absent';
  /** What differs, by parameter. */
  differs: string[];
  /** Resources changed by others than CloudFormation; `null`: not looked at. */
  drift: { logicalId: string; type: string; drift: string }[] | null;
  outputs: Record<string, string>;
}

export function status(host: Host) {
  const command = define('status', {
    summary: 'What is deployed, when, by which version, and whether it is as this project would deploy it',
    details: `Compares each stack with the local bundles and settings; --drift also asks
CloudFormation what was changed behind its back, which takes a minute a stack.
Exit code 8 with --exit-code: a stack is missing, behind, failed, under way or
has drifted.`,
    examples: ['deploy status', 'deploy status --exit-code -q', 'deploy status --drift -o json'],
    exits: [8],
  })
    .option('--drift', 'ask CloudFormation for drift as well')
    .option('--exit-code', 'exit code 8 where something is not as it should be');
  // Of options that `deploy` has too, commander gives the value to `deploy`.
  return onRun(host, command, (cx) => runStatus(cx, command.optsWithGlobals()));
}

async function runStatus(cx: Context, options: { drift?: boolean; exitCode?: boolean }): Promise<void> {
  const cloud = await cx.cloud();
  const found: Status[] = [];
  async function* statuses(): AsyncGenerator<Status> {
    const behindIn = comparison(cx, cloud);
    for (const target of await allTargets(cx, cloud)) {
      const one = await statusOf(cx, cloud, target, behindIn, options.drift === true);
      found.push(one);
      yield one;
    }
  }
  await cx.print({ kind: 'list', items: statuses(), id: ({ stack }) => stack, columns });
  const wrong = found.filter((one) => !isWell(one));
  if (options.exitCode !== true || wrong.length === 0) return;
  throw new SaasctlError({
    code: 'not_current',
    category: 'pending',
    message: `not as this project would deploy it: ${wrong.map(({ stack }) => stack).join(', ')}`,
    next: nextFor(wrong),
  });
}

const columns: Column<Status>[] = [
  { header: 'stack', value: ({ stack }) => stack },
  {
    header: 'status',
    value: (one) => one.status ?? 'not deployed',
    paint: (text, one, paint) => (isWell(one) ? paint.green(text) : paint.yellow(text)),
  },
  { header: 'deployed', value: ({ deployedAt }) => deployedAt },
  { header: 'version', value: ({ version }) => version },
  {
    header: 'code',
    value: ({ code, differs }) => (differs.length === 0 ? code : `${code}: ${differs.join(', ')}`),
  },
  {
    header: 'drift',
    value: ({ drift }) =>
      drift === null
        ? null
        : drift.length === 0
          ? 'none'
          : drift.map(({ logicalId }) => logicalId).join(', '),
  },
];

const isWell = ({ status: is, code, drift }: Status): boolean =>
  is !== null &&
  code === 'current' &&
  standingOf(is) === 'ready' &&
  !is.includes('ROLLBACK') &&
  !drift?.length;

const nextFor = (wrong: readonly Status[]): string => {
  const tenant = wrong.every(({ kind }) => kind === 'silo') ? wrong[0]?.stack : undefined;
  return tenant === undefined ? 'saasctl deploy' : `saasctl deploy --stack ${tenant}`;
};

/** What the project deploys, and what else is there of it. */
async function allTargets(cx: Context, cloud: Cloud): Promise<Target[]> {
  const config = await cx.config();
  const { stack } = config.profile;
  const tenants = (await cloud.stacks.list(tenantStacks(stack)))
    .map(({ name }) => targetNamed(stack, name))
    .filter((target) => target !== null);
  return [...wantedTargets(config.profile.deploy), ...tenants];
}

async function statusOf(
  cx: Context,
  cloud: Cloud,
  target: Target,
  behindIn: Behind,
  drift: boolean,
): Promise<Status> {
  const name = stackName((await cx.config()).profile.stack, target);
  const state = await cloud.stacks.describe(name);
  const differs = state === null ? [] : await behindIn(target, state);
  return {
    stack: name,
    kind: target.kind,
    tenantId: target.kind === 'silo' ? target.tenantId : null,
    status: state?.status ?? null,
    deployedAt: state?.updatedAt ?? null,
    version: state?.tags[VERSION_TAG] ?? null,
    code: state === null ? 'absent' : differs.length === 0 ? 'current' : 'behind',
    differs,
    drift:
      drift && state !== null && !isUnderWay(state.status)
        ? (await cloud.stacks.drift(name)).filter((one) => one.drift !== 'IN_SYNC')
        : null,
    outputs: state?.outputs ?? {},
  };
}
