import { stackName, type Target, targetNamed, wantedTargets } from '../../config/stack-names.ts';
import type { Cloud, StackState } from '../../core/deploy/ports.ts';
import { isUnderWay, standingOf } from '../../core/deploy/states.ts';
import { VERSION_TAG } from '../../core/deploy/versions.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { type Behind, comparison } from '../stack-behind.ts';
import { livingStacks } from '../stack-living.ts';

interface Status {
  stack: string;
  kind: Target['kind'];
  tenantId: string | null;
  /** CloudFormation's word; `null`: not deployed. */
  status: string | null;
  deployedAt: string | null;
  /** Of the tool that deployed it. */
  version: string | null;
  /**
   * `current`: as this project and this tool would deploy it; `behind`: not so; `absent`; `unwanted`: it is there, and
   * no more in this project.
   */
  code: 'current' | 'behind' | 'absent' | 'unwanted';
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
Exit code 8 with --exit-code: a stack is missing, behind, failed, under way, has
drifted, or is no more in the profile.`,
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
    for (const [target, isWanted] of await allTargets(cx, cloud)) {
      const one = await statusOf(cx, cloud, target, isWanted ? behindIn : null, options.drift === true);
      found.push(one);
      yield one;
    }
  }
  await cx.print({ kind: 'list', items: statuses(), id: ({ stack }) => stack, columns });
  for (const { stack } of found.filter((one) => isWell(one) && one.status?.includes('ROLLBACK')))
    cx.note(
      `${stack}: its last change failed, and was taken back; what runs is as this project would deploy it`,
    );
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
  is !== null && code === 'current' && standingOf(is) === 'ready' && !drift?.length;

const nextFor = (wrong: readonly Status[]): string => {
  if (wrong.every(({ code }) => code === 'unwanted')) return `saasctl destroy ${wrong[0]?.stack}`;
  const tenant = wrong.every(({ kind }) => kind === 'silo') ? wrong[0]?.stack : undefined;
  return tenant === undefined ? 'saasctl deploy' : `saasctl deploy --stack ${tenant}`;
};

/** What the project deploys, and what else is there of it: wanted or no more. */
async function allTargets(cx: Context, cloud: Cloud): Promise<[target: Target, isWanted: boolean][]> {
  const { profile } = await cx.config();
  const { tenants, unwanted } = await livingStacks(cloud, profile);
  const targets = (states: readonly StackState[]): Target[] =>
    states.map(({ name }) => targetNamed(profile.stack, name)).filter((target) => target !== null);
  const wanted = [...wantedTargets(profile.deploy), ...targets(tenants)];
  return [
    ...wanted.map((target): [Target, boolean] => [target, true]),
    ...targets(unwanted).map((target): [Target, boolean] => [target, false]),
  ];
}

async function statusOf(
  cx: Context,
  cloud: Cloud,
  target: Target,
  behindIn: Behind | null,
  drift: boolean,
): Promise<Status> {
  const name = stackName((await cx.config()).profile.stack, target);
  const state = await cloud.stacks.describe(name);
  const differs = state === null || behindIn === null ? [] : await behindIn(target, state);
  return {
    stack: name,
    kind: target.kind,
    tenantId: target.kind === 'silo' ? target.tenantId : null,
    status: state?.status ?? null,
    deployedAt: state?.updatedAt ?? null,
    version: state?.tags[VERSION_TAG] ?? null,
    code: codeOf(state !== null, behindIn !== null, differs),
    differs,
    drift:
      drift && state !== null && !isUnderWay(state.status)
        ? (await cloud.stacks.drift(name)).filter((one) => one.drift !== 'IN_SYNC')
        : null,
    outputs: state?.outputs ?? {},
  };
}

const codeOf = (isThere: boolean, isWanted: boolean, differs: readonly string[]): Status['code'] => {
  if (!isThere) return 'absent';
  if (!isWanted) return 'unwanted';
  return differs.length === 0 ? 'current' : 'behind';
};
