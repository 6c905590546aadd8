import { randomBytes } from 'node:crypto';
import type { Target } from '../config/stack-names.ts';
import { cursorSecretParameter } from '../config/template-parameters.ts';
import type { Cloud, StackChange } from '../core/deploy/ports.ts';
import { type Deployed, type DeployQuestion, deployStack } from '../core/deploy/run.ts';
import { progressLine } from '../ui/progress.ts';
import { renderStackChanges } from '../ui/stack-changes.ts';
import type { Context } from './context.ts';
import { confirmDanger } from './mutate.ts';
import { stackSource, type TenantPart, uploadCode } from './stack-source.ts';

export interface StackDeploy {
  target: Target;
  /** What a tenant's own stack is told; `null`: what it was told before. */
  tenant?: TenantPart | null;
  allowReplace: boolean;
  dryRun: boolean;
  /** What the user types to run this again. */
  command: string;
  /** Whether a moderate change is asked about; severe ones always are. */
  ask: boolean;
  /** For a caller that tells of its progress itself, and has something to do while it waits. */
  waiting?: { say(doing: string): void; pause(ms: number): Promise<void> };
}

/**
 * Brings one stack to what the project says, with its code uploaded and its secret made before. Shows what would
 * change, asks as the danger demands, and follows CloudFormation with a line of progress. The same call again goes on
 * where an interrupted one stood. Throws as `deployStack` does.
 */
export async function deployTarget(cx: Context, cloud: Cloud, wanted: StackDeploy): Promise<Deployed> {
  const { target, tenant = null, allowReplace, dryRun, command, ask, waiting } = wanted;
  const source = await stackSource(cx, cloud, target, tenant);
  const { name, kind, body, parameters, tags } = source;
  const line = progressLine(cx.io, cx.now, cx.globals.quiet || cx.globals.format === 'json');
  const show = (changes: readonly StackChange[]): string => renderStackChanges(changes, cx.paint);
  let done = 0;
  try {
    const deployed = await deployStack(
      cloud,
      { name, kind, body, parameters, tags, allowReplace, dryRun, importExisting: true, command },
      {
        now: cx.now,
        pause: waiting?.pause ?? cx.deps.pause,
        signal: cx.deps.signal,
        onNote: (text) => cx.note(text),
        onChanges(changes) {
          if (dryRun) cx.note(`${name}: dry run, nothing was changed\n${show(changes)}`);
          else if (!ask || cx.globals.yes || cx.globals.confirm !== undefined)
            cx.note(`${name}\n${show(changes)}`);
        },
        async confirm(question) {
          line.end();
          await agree(cx, question, ask, show(question.changes));
          await prepare(cx, cloud, source, kind);
        },
        onEvent({ logicalId, status }) {
          if (/(?<!ROLLBACK)_COMPLETE$/.test(status)) done++;
          const doing = `${name}: ${logicalId} ${status}, ${done} done`;
          if (waiting === undefined) line.show(doing);
          else waiting.say(doing);
        },
      },
    );
    line.end();
    if (!dryRun) noteTaken(cx, deployed);
    // Nothing was prepared for a stack that did not change, and its functions read the secret all the same.
    if (!dryRun && kind === 'core' && deployed.status === 'unchanged') await keepSecret(cx, cloud);
    return deployed;
  } finally {
    line.end();
  }
}

/** CloudFormation changes nothing about what it takes in, whatever the template says. */
function noteTaken(cx: Context, { stack, changes }: Deployed): void {
  const taken = changes.filter(({ action }) => action === 'Import').map(({ logicalId }) => logicalId);
  if (taken.length === 0) return;
  const how = 'with the settings and the resource policy that it has';
  cx.note(`${stack}: taken in ${how}: ${taken.join(', ')}; next: saasctl deploy status --drift`);
}

async function agree(cx: Context, question: DeployQuestion, ask: boolean, changes: string): Promise<void> {
  const { stack, danger, create, dangerous } = question;
  if (danger === 'moderate' && !ask) return;
  const doing =
    danger === 'severe'
      ? `replace or remove ${dangerous.map(({ logicalId }) => logicalId).join(', ')} of ${stack}`
      : `${create ? 'create' : 'update'} ${stack}`;
  await confirmDanger(cx, danger, doing, stack, changes);
}

/** What the stack's functions need to start: their code, and the secret that signs cursors. */
async function prepare(
  cx: Context,
  cloud: Cloud,
  source: Awaited<ReturnType<typeof stackSource>>,
  kind: Target['kind'],
): Promise<void> {
  await uploadCode(cloud, source);
  if (kind === 'core') await keepSecret(cx, cloud);
}

/** The secret that signs cursors: made where there is none. */
async function keepSecret(cx: Context, cloud: Cloud): Promise<void> {
  const name = cursorSecretParameter((await cx.config()).profile.stack);
  await cloud.secrets.putOnce(name, randomBytes(32).toString('base64url'));
}
