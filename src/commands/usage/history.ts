import { checkTenantId } from '../../core/tenants/tenant.ts';
import { metricNamed } from '../../core/usage/amount.ts';
import { type MetricHistory, periodsUpTo, usageHistory } from '../../core/usage/history.ts';
import { metricsOf } from '../../core/usage/metrics.ts';
import { drawsUnicode, sparkline } from '../../ui/bar.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';

interface HistoryOptions {
  metric?: string;
  days?: string;
  months?: string;
}

export function history(host: Host) {
  const command = define('history <id>', {
    summary: 'Show a tenant’s usage over days or months',
    details: 'Of a gauge the amounts are level × hours, and max is the highest level.',
    examples: [
      'usage history acme',
      'usage history acme --metric api_calls --months 12',
      'usage history acme --days 7 -o json',
    ],
    exits: [3],
  })
    .option('--metric <metric>', 'this one alone')
    .option('--days <n>', 'the last days, today included; 30 without --months')
    .option('--months <n>', 'the last months, this one included');
  return onRun(host, command, runHistory);
}

async function runHistory(cx: Context, id: string, options: HistoryOptions): Promise<void> {
  checkTenantId(id);
  const { project } = await cx.config();
  const metrics = metricsOf(project.metrics);
  if (options.metric !== undefined) metricNamed(metrics, options.metric);
  const periods = periodsUpTo(cx.now(), options);
  const store = await cx.store();
  await existing(store.tenant(id), id);
  // Folded usage before the gate: a fold between the two reads is never counted twice.
  const folded = await store.usage(id, periods.first, periods.last);
  const all = usageHistory(periods, folded, await store.gate(id), metrics);
  const unicode = drawsUnicode(cx.io.env);
  await cx.print<MetricHistory>({
    kind: 'list',
    items: all.filter(({ metric }) => options.metric === undefined || metric === options.metric),
    id: ({ metric }) => metric,
    columns: [
      { header: 'metric', value: ({ metric }) => metric },
      { header: 'unit', value: ({ kind, unit }) => (kind === 'gauge' ? `${unit} × hours` : unit) },
      { header: 'total', value: ({ total }) => total },
      {
        header: `by ${periods.unit}`,
        keepsEnd: true,
        value: ({ points }) => {
          const amounts = points.map(({ amount }) => amount);
          return cx.io.stdoutIsTTY ? sparkline(amounts, { unicode }) : amounts.join(' ');
        },
      },
      { header: 'last', value: ({ points }) => points.at(-1)?.amount ?? null },
      { header: 'most', value: most },
    ],
  });
}

/** The greatest amount, or a gauge's highest level, and when. */
function most({ kind, points }: MetricHistory): string | null {
  const size = (point: MetricHistory['points'][number]) =>
    kind === 'gauge' ? (point.max ?? 0) : point.amount;
  const greatest = points.reduce(
    (best, point) => (size(point) > size(best) ? point : best),
    points[0] as never,
  );
  return greatest === undefined || size(greatest) === 0 ? null : `${size(greatest)} on ${greatest.period}`;
}
