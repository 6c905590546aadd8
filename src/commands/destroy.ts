import { cursorSecretParameter, stripeKeyParameter } from '../config/template-parameters.ts';
import { type Destroyed, destroyStack, type LeftBehind } from '../core/deploy/destroy.ts';
import { progressLine } from '../ui/progress.ts';
import type { Column } from '../ui/result.ts';
import type { Context, Host } from './context.ts';
import { define, dryRunOption, onRun } from './define.ts';
import { confirmDanger } from './mutate.ts';
import { auditDeploy } from './stack-audit.ts';

export function destroy(host: Host) {
  const command = define('destroy <stack>', {
    summary: 'Delete a stack of the profile; tables and what else holds data stay',
    details: `The name of the profile's own stack stands for all of it: service, guardrails,
tables, API and code bucket. Tenants' stacks go first, one at a time, each with
its own confirmation. Tables, buckets and secrets are left, and named with the
command that deletes each. Deployed again, the stack takes its tables in as they
are: no data is lost.

    3  no stack of this profile has that name
    5  other stacks rely on it, or another change of it is under way
    7  some of it could not be deleted; the message has the first failure`,
    examples: [
      'destroy acme',
      'destroy acme --dry-run',
      'destroy acme-tenant-initech --confirm acme-tenant-initech',
    ],
    exits: [3, 5, 7],
  }).addOption(dryRunOption());
  return onRun(host, command, runDestroy);
}

async function runDestroy(cx: Context, name: string, { dryRun }: { dryRun?: boolean }): Promise<void> {
  const { profile } = await cx.config();
  const { stack, region } = profile;
  const cloud = await cx.cloud();
  const line = progressLine(cx.io, cx.now, cx.globals.quiet || cx.globals.format === 'json');
  const whole = name === stack;
  // An interrupt is the engine's to answer: it says what CloudFormation goes on with.
  const destroyed = await cx
    .uninterrupted(() =>
      destroyStack(
        cloud,
        {
          name,
          stack,
          dryRun: dryRun === true,
          secrets: whole ? [stripeKeyParameter(profile), cursorSecretParameter(stack)] : [],
        },
        {
          pause: cx.deps.pause,
          signal: cx.deps.signal,
          onNote: (text) => cx.note(text),
          onEvent: ({ logicalId, status }) => line.show(`${logicalId} ${status}`),
          async confirm({ stacks, keeps }) {
            line.end();
            await confirmDanger(cx, 'severe', `destroy ${name}`, name, shown(stacks, keeps));
          },
        },
      ),
    )
    .finally(() => line.end());
  const { status, stacks, left } = destroyed;
  if (status === 'planned') cx.note(`dry run, nothing was changed\n${shown(stacks, left)}`);
  if (status === 'deleted') await auditDeploy(cx, 'stack.destroy', name, []);
  const item = viewOf(destroyed, region);
  await cx.print<View>({ kind: 'one', item, id: name, fields: fieldsOf(item) });
  if (status === 'deleted' && left.some(({ type }) => type === 'AWS::DynamoDB::Table'))
    cx.note(
      `the tables are still there, with all that is in them; ${again(name, stack)} takes them in again`,
    );
}

/** A tenant's stack comes back with its tenant alone. */
const again = (name: string, stack: string): string =>
  name.startsWith(`${stack}-tenant-`) ? 'the same stack, made again,' : 'saasctl deploy';

interface View {
  stack: string;
  status: Destroyed['status'];
  stacks: string[];
  left: (LeftBehind & { remove: string })[];
}

const viewOf = ({ stack, status, stacks, left }: Destroyed, region: string): View => ({
  stack,
  status,
  stacks,
  left: left.map((one) => ({ ...one, remove: removeCommand(one, region) })),
});

const fieldsOf = ({ left }: View): Column<View>[] => [
  { header: 'stack', value: ({ stack }) => stack },
  { header: 'status', value: ({ status }) => status },
  { header: 'deleted', value: ({ stacks }) => stacks.join(', ') || null },
  ...left.map(({ physicalId, remove }) => ({
    header: `left: ${physicalId}`,
    value: () => `to delete it: ${remove}`,
  })),
];

const shown = (stacks: readonly string[], keeps: readonly LeftBehind[]): string =>
  [
    ...stacks.map((name) => `- ${name}`),
    ...keeps.map(({ physicalId, type }) => `  stays: ${physicalId} (${type})`),
  ].join('\n');

/** What deletes a thing that was left, for good. */
function removeCommand({ type, physicalId }: LeftBehind, region: string): string {
  const at = `--region ${region}`;
  switch (type) {
    case 'AWS::DynamoDB::Table':
      return `aws dynamodb update-table --no-deletion-protection-enabled --table-name ${physicalId} ${at} && aws dynamodb delete-table --table-name ${physicalId} ${at}`;
    case 'AWS::S3::Bucket':
      return `aws s3 rb --force s3://${physicalId} ${at}`;
    case 'AWS::SSM::Parameter':
      return `aws ssm delete-parameter --name ${physicalId} ${at}`;
    case 'AWS::SQS::Queue':
      return `aws sqs delete-queue --queue-url ${physicalId} ${at}`;
    case 'AWS::Logs::LogGroup':
      return `aws logs delete-log-group --log-group-name ${physicalId} ${at}`;
    default:
      return `delete ${type} ${physicalId} in the console`;
  }
}
