import { type TaggedResource, type TagReport, tagReport } from '../../core/cost/tags.ts';
import { SaasctlError, usageError } from '../../core/errors.ts';
import type { Isolation } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';

export function tags(host: Host) {
  const command = define('tags', {
    summary: 'Which resources lack cost tags, and whether the keys are activated for billing',
    details:
      'Nothing is changed: the calls that activate a key and backfill a year are printed. Only the management\n' +
      'account (or a standalone one) can make them.',
    examples: ['cost tags', 'cost tags --exit-code -o json'],
    exits: [8],
  })
    .option('--tenant-tag <key>', 'key of the tag that names the tenant')
    .option('--exit-code', 'exit code 8 where a tag or an activation is missing');
  return onRun(host, command, runTags);
}

interface Finding {
  what: string;
  status: string;
  next: string | null;
}

interface Options {
  tenantTag?: string;
  exitCode?: true;
}

async function runTags(cx: Context, { tenantTag, exitCode }: Options): Promise<void> {
  const { project, profile, isLocal } = await cx.config();
  if (isLocal) {
    throw usageError('no_account', 'the profile local has no AWS account, and so no tags', {
      hint: 'its sample bill is tagged already',
      next: 'saasctl cost report --source sample',
    });
  }
  const key = tenantTag ?? project.cost.tenantTag;
  const tenants = new Map<string, Isolation>();
  const listed = (await cx.store()).tenants({ limit: null, after: null }, () => true).items;
  for await (const { id, isolation } of listed) tenants.set(id, isolation);
  const source = await (await cx.cost()).tags();
  const resources: TaggedResource[] = [];
  for await (const resource of source.resources()) resources.push(resource);
  const keys = [...new Set(['saasctl-stack', key, 'saasctl-feature'])];
  const report = tagReport({
    stack: profile.stack,
    tenantKey: key,
    tenants,
    resources,
    keyStatus: await source.keyStatus(keys),
    backfills: await source.backfills(),
    now: cx.now(),
  });
  await print(cx, report);
  if (exitCode === true) check(report);
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

function check({ keys, untagged, strangers }: TagReport): void {
  const idle = keys.filter(({ status }) => status !== 'active' && status !== null);
  if (idle.length + untagged.length + strangers.length === 0) return;
  throw new SaasctlError({
    code: 'tags_missing',
    category: 'pending',
    message: [
      counted(untagged.length, 'resource lacks a tag', 'resources lack a tag'),
      counted(strangers.length, 'is tagged with no tenant', 'are tagged with no tenant'),
      counted(idle.length, 'key is not activated', 'keys are not activated'),
    ].join(', '),
    hint: 'what is not tagged, or not activated, is split by usage instead of being known',
    next: idle.find(({ next }) => next !== null)?.next ?? 'saasctl cost tags',
  });
}

async function print(cx: Context, report: TagReport): Promise<void> {
  const { format, query } = cx.globals;
  if (format === 'json' || format === 'yaml' || query !== undefined) {
    await cx.print({ kind: 'one', item: report, id: '', fields: [] });
    return;
  }
  const { keys, untagged, strangers, backfill } = report;
  const findings: Finding[] = [
    ...keys.map(({ key, status, next }) => ({ what: `key ${key}`, status: status ?? 'not known', next })),
    ...untagged.map(({ arn, missing }) => ({ what: arn, status: `lacks ${missing.join(', ')}`, next: null })),
    ...strangers.map(({ arn, tenantTag }) => ({
      what: arn,
      status: `tagged ${tenantTag}, which is no tenant`,
      next: null,
    })),
    {
      what: 'backfill',
      status:
        backfill.last === null
          ? 'never asked for'
          : `${backfill.last.status} since ${backfill.last.requestedAt}`,
      next: backfill.next,
    },
  ];
  await cx.print<Finding>({
    kind: 'list',
    items: findings,
    id: ({ what }) => what,
    columns: [
      { header: 'what', value: ({ what }) => what },
      { header: 'status', value: ({ status }) => status },
      { header: 'next', value: ({ next }) => next },
    ],
  });
  const tagged = counted(report.tagged, 'resource is tagged', 'resources are tagged');
  cx.note(`${tagged}, ${counted(untagged.length, 'lacks a tag', 'lack a tag')}`);
  for (const note of report.notes) cx.note(note);
}
