import { resolve } from 'node:path';
import type { By } from '../../core/cost/report.ts';
import { reportPage } from '../../ui/cost/page.ts';
import type { Context } from '../context.ts';
import { driversInForce, type Gathered } from './gather.ts';
import { reportsOf } from './reports.ts';

/** Writes the report as one page, in place of what was there. */
export async function writePage(
  cx: Context,
  path: string,
  gathered: Gathered,
  { tenant, by, tenantTag }: { tenant: string | null; by: By; tenantTag?: string },
): Promise<void> {
  const { project, profile } = await cx.config();
  const { policy, revenueName } = gathered;
  const [first, ...others] = reportsOf(gathered, 'tenant', tenant);
  if (first === undefined) return;
  const services = reportsOf(gathered, by === 'feature' ? 'feature' : 'service', tenant).at(-1) ?? null;
  const file = resolve(cx.deps.cwd, path);
  const text = reportPage({
    stack: profile.stack,
    months: [first, ...others],
    services,
    tenant,
    method: {
      policy: { ...policy, drivers: driversInForce(policy) },
      tenantTag: tenantTag ?? project.cost.tenantTag,
      revenue: revenueName,
    },
    madeAt: new Date(cx.now()).toISOString(),
  });
  await cx.deps.files.replace(file, text);
  cx.note(`the report is at ${file}`);
}
