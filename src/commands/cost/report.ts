import { resolve } from 'node:path';
import { Option } from 'commander';
import { BY, type By } from '../../core/cost/report.ts';
import type { Decimal } from '../../core/decimal.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';
import { checkedByTenant, checkMargins, checkUnallocated } from './checks.ts';
import { gather } from './gather.ts';
import { chosenMonths, chosenSource, parsePercent } from './options.ts';
import { writePage } from './page.ts';
import { reportsOf } from './reports.ts';
import { printReport } from './view.ts';

interface Options {
  month: string;
  months?: string;
  source?: string;
  tenantTag?: string;
  tenant?: string;
  by: By;
  html?: string;
  failOnNegativeMargin?: true;
  maxUnallocated?: string;
  fresh?: true;
}

export function report(host: Host) {
  const command = define('report', {
    summary: 'What each tenant cost in a month: rows that add up to the bill, to the last cent',
    details:
      'Cost of a tenant = direct (tagged) + allocated (shared, split by what was metered) + overhead. What no\n' +
      'tenant carries is a row of its own. Revenue and margin stand beside it where there is a Stripe key.\n' +
      'Cost Explorer charges $0.01 a request; closed months are asked for once. By feature it gives less detail, so\n' +
      'checks are by tenant. docs/cost.md has the method.',
    examples: [
      'cost report',
      'cost report --month this --html cost.html',
      'cost report --months 12 -o csv',
      'cost report --source focus:./exports --tenant acme -o json',
      'cost report --fail-on-negative-margin --max-unallocated 5% -q',
    ],
    exits: [3, 8],
  })
    .option('--month <month>', 'yyyy-mm, this or last', 'last')
    .option('--months <n>', 'so many months, up to that one')
    .option('--source <source>', 'ce, focus:<file or folder> or sample')
    .option('--tenant-tag <key>', 'key of the tag that names the tenant')
    .option('--tenant <id>', 'one tenant alone; its shares stay those of the whole bill')
    .addOption(new Option('--by <what>', 'what a row is').choices(BY).default('tenant'))
    .option('--html <file>', 'write the report as one page as well')
    .option('--fail-on-negative-margin', 'exit code 8 where a tenant costs more than it brings')
    .option('--max-unallocated <percent>', 'exit code 8 where more of a bill than this is no tenant’s')
    .option('--fresh', 'ask for bills, usage and revenue again; Cost Explorer charges for it');
  return onRun(host, command, runReport);
}

async function runReport(cx: Context, options: Options): Promise<void> {
  // Everything that can be wrong is said before a request is paid for.
  const months = chosenMonths(options, cx.now());
  const { tenant = null, by } = options;
  if (tenant !== null) checkTenantId(tenant);
  const config = await cx.config();
  const { project } = config;
  const most = maxUnallocated(options.maxUnallocated, project.cost.maxUnallocated);
  const source = chosenSource(options.source, config, cx.deps.cwd);
  const lacksDetail = by === 'feature' && source === 'ce';
  if (lacksDetail) refuseChecks(options);
  if (options.html !== undefined) await cx.deps.files.checkReplace(resolve(cx.deps.cwd, options.html));
  if (tenant !== null) await existing((await cx.store()).tenant(tenant), tenant);

  const all = await gather(cx, {
    months,
    source,
    tenantTag: options.tenantTag ?? project.cost.tenantTag,
    detail: by === 'feature' ? 'features' : 'services',
    fresh: options.fresh === true,
    needsRevenue: options.failOnNegativeMargin === true,
  });
  const gathered = most !== null && lacksDetail ? { ...all, notes: [...all.notes, UNCHECKED] } : all;
  if (options.html !== undefined) await writePage(cx, options.html, gathered, { by, tenant });
  await printReport(cx, reportsOf(gathered, by, tenant), {
    tenant,
    by,
    several: options.months !== undefined,
  });
  if (most !== null && !lacksDetail) checkUnallocated(gathered, most, options.tenantTag);
  if (options.failOnNegativeMargin === true)
    checkMargins(reportsOf(gathered, 'tenant', tenant), options.tenantTag);
}

const UNCHECKED =
  'cost.maxUnallocated is not checked by feature, for which Cost Explorer gives too little detail';

/** What is checked is what tenants cost by tenant, which by feature is known of FOCUS files and the sample alone. */
function refuseChecks({ month, months, maxUnallocated: most, failOnNegativeMargin }: Options): void {
  const flags = [
    ...(most === undefined ? [] : [`--max-unallocated ${most}`]),
    ...(failOnNegativeMargin === true ? ['--fail-on-negative-margin'] : []),
  ];
  const other = [
    ...(month === 'last' ? [] : [`--month ${month}`]),
    ...(months === undefined ? [] : [`--months ${months}`]),
  ];
  if (flags.length > 0) throw checkedByTenant(flags, other);
}

/** The flag, or the project's own limit where there is no flag. */
function maxUnallocated(flag: string | undefined, setting: string | undefined): Decimal | null {
  if (flag !== undefined) return parsePercent(flag, '--max-unallocated');
  return setting === undefined ? null : parsePercent(setting, 'cost.maxUnallocated');
}
