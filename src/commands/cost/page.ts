import { resolve } from 'node:path';
import { withoutUsageTypes } from '../../core/cost/drivers.ts';
import { type By, type CostReport, wholeReport } from '../../core/cost/report.ts';
import { reportPage } from '../../ui/cost/page.ts';
import type { Context } from '../context.ts';
import { driversInForce, type Gathered } from './gather.ts';
import { reportsOf } from './reports.ts';

/** Writes the report as one page, in place of what was there. */
export async function writePage(
  cx: Context,
  path: string,
  gathered: Gathered,
  { tenant, by }: { tenant: string | null; by: By },
): Promise<void> {
  const { profile } = await cx.config();
  const { policy, revenueName } = gathered;
  const lastMonth = { ...gathered, months: gathered.months.slice(-1) };
  const [services] = reportsOf(lastMonth, by === 'feature' ? 'feature' : 'service', tenant);
  const months: CostReport[] = [];
  for (const report of reportsOf(gathered, 'tenant', tenant)) {
    // Of the months before the last one the page shows the sums.
    const before = months.pop();
    if (before !== undefined) months.push({ ...before, rows: [] });
    months.push(wholeReport(report));
  }
  const [first, ...others] = months;
  if (first === undefined) return;
  const file = resolve(cx.deps.cwd, path);
  const drivers = driversInForce(policy);
  const hasUsageTypes = gathered.months.some(({ bill }) =>
    bill.lines.some(({ usageType }) => usageType !== null),
  );
  const text = reportPage({
    stack: profile.stack,
    months: [first, ...others],
    services: services === undefined ? null : wholeReport(services),
    tenant,
    method: {
      policy: { ...policy, drivers: hasUsageTypes ? drivers : withoutUsageTypes(drivers) },
      tenantTag: gathered.tenantTag,
      revenue: revenueName,
      usageTypes: hasUsageTypes,
    },
    madeAt: new Date(cx.now()).toISOString(),
  });
  await cx.deps.files.replace(file, text);
  cx.note(`the report is at ${file}`);
}
