import type { AuditEntry } from '../../core/audit.ts';
import { usageError } from '../../core/errors.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { isoTime, parseDuration } from '../../core/time.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { afterOption, define, group, type ListOptions, limitOption, onRun } from '../define.ts';
import { pageRequest } from '../page.ts';

const columns: Column<AuditEntry>[] = [
  { header: 'at', value: ({ at }) => at },
  { header: 'actor', value: ({ actor }) => actor },
  { header: 'action', value: ({ action }) => action },
  { header: 'tenant', value: ({ tenantId }) => tenantId },
  { header: 'key id', value: ({ keyId }) => keyId },
  { header: 'changed', value: ({ changes }) => changes.map(({ field }) => field).join(', ') },
  { header: 'request', value: ({ requestId }) => requestId },
];

function list(host: Host) {
  const command = define('list', {
    summary: 'Who changed what, newest first',
    examples: [
      'audit list',
      'audit list --tenant acme --since 30d',
      'audit list -o json --query "items[?action==\'key.revoke\']"',
    ],
  })
    .option('--tenant <id>', 'only this tenant’s')
    .option('--since <duration>', 'how far back', '7d')
    .addOption(limitOption())
    .addOption(afterOption());
  return onRun(host, command, runList);
}

async function runList(
  cx: Context,
  options: ListOptions & { tenant?: string; since: string },
): Promise<void> {
  const page = pageRequest(options);
  if (page.after !== null && !/^\d{4}-\d\d-\d\dT[\d:.]+Z#/.test(page.after)) {
    throw usageError('bad_after', '--after is not where an audit list ended', {
      hint: 'it is the `next` of an earlier page',
    });
  }
  const tenantId = options.tenant === undefined ? null : checkTenantId(options.tenant);
  const since = isoTime(cx.now() - parseDuration(options.since, '--since'));
  // A clock a little ahead elsewhere must not hide the newest entries.
  const until = isoTime(cx.now() + 300_000);
  const { items, next } = (await cx.store()).audit({ tenantId, since, until, ...page });
  await cx.print({
    kind: 'list',
    items,
    next,
    id: ({ id }) => id,
    columns,
    empty: `nothing was changed in the last ${options.since}`,
  });
}

export const auditCommand = (host: Host) => group('audit', 'Who changed what, and when', [list(host)]);
