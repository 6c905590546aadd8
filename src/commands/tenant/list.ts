import { Option } from 'commander';
import { STATUSES } from '../../core/tenants/states.ts';
import type { Tenant, TenantStatus } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { afterOption, define, type ListOptions, limitOption, onRun } from '../define.ts';
import { pageRequest } from '../page.ts';
import { apiColumn, tenantColumns } from './view.ts';

interface Options extends ListOptions {
  status?: TenantStatus;
  plan?: string;
}

export function list(host: Host) {
  const command = define('list', {
    summary: 'List tenants by id',
    details: 'Deleted ones are listed with --status deleted only.',
    examples: [
      'tenant list',
      'tenant list --plan pro -o json --query "items[].id"',
      'tenant list -L 100 --after acme',
    ],
  })
    .addOption(new Option('--status <status>', 'only these').choices(STATUSES))
    .option('--plan <plan>', 'only those on this plan')
    .addOption(limitOption())
    .addOption(afterOption());
  return onRun(host, command, runList);
}

async function runList(cx: Context, options: Options): Promise<void> {
  const page = pageRequest(options);
  const store = await cx.store();
  const keep = ({ status, plan }: Tenant): boolean =>
    (options.status === undefined ? status !== 'deleted' : status === options.status) &&
    (options.plan === undefined || plan === options.plan);
  const { items, next } = store.tenants(page, keep);
  await cx.print({
    kind: 'list',
    items,
    next,
    id: ({ id }) => id,
    columns: [...tenantColumns, apiColumn],
    empty: 'no tenants yet; create one with  saasctl tenant create <id>',
  });
}
