import { cursorSecretParameter, stripeKeyParameter } from '../config/template-parameters.ts';
import { type Destroyed, destroyStack } from '../core/deploy/destroy.ts';
import type { LeftBehind } from '../core/deploy/retention.ts';
import { deleteTableCommand } from '../core/tenants/reconcile.ts';
import { progressLine } from '../ui/progress.ts';
import type { Column } from '../ui/result.ts';
import type { Context, Host } from './context.ts';
import { define, dryRunOption, onRun } from './define.ts';
import { confirmDanger } from './mutate.ts';
import { auditDeploy } from './stack-audit.ts';

export function destroy(host: Host) {
  const command = define('destroy <stack>', {
    summary: 'Delete a stack of the profile; the data that its template retains stays',
    details: `The name of the profile's own stack stands for all of it: service, guardrails,
tables, API and code bucket. Tenants' stacks go first, one at a time, each with
its own confirmation. What a template retains (the tables and buckets of those
that ship) is left, as secrets are, and named with the command that deletes each.
Deployed again, the stack takes its tables in as they are: no data is lost. Data
that a template of yours does not retain is deleted with --delete-data alone.

    3  no stack of this profile has that name
    5  it would delete data (--delete-data), is somebody else's, other stacks rely
       on it, or another change of it is under way
    7  some of it could not be deleted; the message has the first failure`,
    examples: [
      'destroy acme',
      'destroy acme --dry-run',
      'destroy acme-tenant-initech --confirm acme-tenant-initech',
    ],
    exits: [3, 5, 7],
  })
    .option('--delete-data', 'let go what holds data and is not retained; the name is asked for all the same')
    .addOption(dryRunOption());
  return onRun(host, command, runDestroy);
}

async function runDestroy(
  cx: Context,
  name: string,
  { dryRun, deleteData }: { dryRun?: boolean; deleteData?: boolean },
): Promise<void> {
  const { profile } = await cx.config();
  const { stack } = profile;
  const cloud = await cx.cloud();
  const line = progressLine(cx.io, cx.now, cx.globals.quiet || cx.globals.format === 'json');
  const whole = name === stack;
  const gone: string[] = [];
  // An interrupt is the engine's to answer: it says what CloudFormation goes on with. What came of it is told in any
  // case: a stack that is gone cannot be asked what it left.
  await cx.uninterrupted(async () => {
    const destroyed = await destroyStack(
      cloud,
      {
        name,
        stack,
        dryRun: dryRun === true,
        deleteData: deleteData === true,
        ...(deleteData === true ? { command: `saasctl destroy ${name} --delete-data` } : {}),
        secrets: whole ? [stripeKeyParameter(profile), cursorSecretParameter(stack)] : [],
      },
      {
        pause: cx.deps.pause,
        signal: cx.deps.signal,
        onNote: (text) => cx.note(text),
        onEvent: ({ logicalId, status }) => line.show(`${logicalId} ${status}`),
        async confirm({ stacks, keeps, loses }) {
          line.end();
          await confirmDanger(cx, 'severe', `destroy ${name}`, name, shown(stacks, keeps, loses));
        },
        onDeleted: (one) => gone.push(one),
      },
    )
      .finally(() => line.end())
      .catch(async (error: unknown) => {
        // Cut short, it is not all that the name stands for that is gone: the audit has each.
        for (const one of gone) await auditDeploy(cx, 'stack.destroy', one, []);
        throw error;
      });
    await tell(cx, destroyed, profile);
  });
}

async function tell(
  cx: Context,
  destroyed: Destroyed,
  { stack, region }: { stack: string; region: string },
): Promise<void> {
  const { stack: name, status, stacks, left, lost } = destroyed;
  if (status === 'planned') cx.note(`dry run, nothing was changed\n${shown(stacks, left, lost)}`);
  if (status === 'deleted') await auditDeploy(cx, 'stack.destroy', name, []);
  const item = viewOf(destroyed, region);
  await cx.print<View>({ kind: 'one', item, id: name, fields: fieldsOf(item) });
  if (status === 'deleted' && left.some(({ type }) => type === 'AWS::DynamoDB::Table'))
    cx.note(
      `the tables are still there, with all that is in them; ${again(name, stack)} takes them in again`,
    );
  // An earlier run that was cut short has named nothing, and a stack that is gone cannot be asked.
  if (name === stack && status !== 'planned' && !stacks.includes(stack))
    cx.note(
      `tables of a stack that an earlier run deleted are still there, named ${stack}-…: aws dynamodb list-tables --region ${region}`,
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
  /** Data that goes with its stack. */
  lost: LeftBehind[];
}

const viewOf = ({ stack, status, stacks, left, lost }: Destroyed, region: string): View => ({
  stack,
  status,
  stacks,
  left: left.map((one) => ({ ...one, remove: removeCommand(one, region) })),
  lost,
});

const fieldsOf = ({ left, lost }: View): Column<View>[] => [
  { header: 'stack', value: ({ stack }) => stack },
  { header: 'status', value: ({ status }) => status },
  { header: 'deleted', value: ({ stacks }) => stacks.join(', ') || null },
  ...left.map(({ physicalId, remove }) => ({
    header: `left: ${physicalId}`,
    value: () => `to delete it: ${remove}`,
  })),
  ...lost.map(({ physicalId, type }) => ({ header: `lost: ${physicalId}`, value: () => type })),
];

const shown = (
  stacks: readonly string[],
  keeps: readonly LeftBehind[],
  loses: readonly LeftBehind[],
): string =>
  [
    ...stacks.map((name) => `- ${name}`),
    ...keeps.map(({ physicalId, type }) => `  stays: ${physicalId} (${type})`),
    ...loses.map(({ physicalId, type }) => `  is DELETED: ${physicalId} (${type})`),
  ].join('\n');

/** What deletes a thing that was left, for good. */
function removeCommand({ type, physicalId }: LeftBehind, region: string): string {
  const at = `--region ${region}`;
  switch (type) {
    case 'AWS::DynamoDB::Table':
      return deleteTableCommand(physicalId, region, true);
    case 'AWS::S3::Bucket':
      return deleteBucketCommand(physicalId, at);
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

/** Every version of every object, and what marks one as deleted, goes first: the buckets are versioned. */
const deleteBucketCommand = (bucket: string, at: string): string =>
  `aws s3api list-object-versions --bucket ${bucket} ${at} --output text --query '[Versions,DeleteMarkers][][].[VersionId,Key]' | while read -r version key; do aws s3api delete-object --bucket ${bucket} ${at} --version-id="$version" --key="$key" > /dev/null; done && aws s3api delete-bucket --bucket ${bucket} ${at}`;
