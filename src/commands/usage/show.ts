import { checkTenantId, type Tenant } from '../../core/tenants/tenant.ts';
import { parseMonth } from '../../core/time.ts';
import { BUILT_IN, metricsOf } from '../../core/usage/metrics.ts';
import { type UsageView, usageView } from '../../core/usage/usage.ts';
import { drawsUnicode, quotaBar, sparkline } from '../../ui/bar.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';

export function show(host: Host) {
  const command = define('show <id>', {
    summary: 'Show a tenant’s usage of a month against its limits',
    examples: ['usage show acme', 'usage show acme --month last -o json'],
    exits: [3],
  }).option('--month <month>', 'yyyy-mm, this or last', 'this');
  return onRun(host, command, runShow);
}

async function runShow(cx: Context, id: string, options: { month: string }): Promise<void> {
  checkTenantId(id);
  const month = parseMonth(options.month, cx.now());
  const store = await cx.store();
  const tenant = await existing(store.tenant(id), id);
  // Folded usage before the gate: a fold between the two reads is never counted twice.
  const folded = await store.usage(id, `${month}-01`, `${month}-31`);
  const { project } = await cx.config();
  const metrics = metricsOf(project.metrics);
  const [gate, gauges] = await Promise.all([store.gate(id), store.gauges(id)]);
  const view = usageView(tenant, month, folded, gate, gauges, metrics);
  await cx.print({ kind: 'one', item: view, id, fields: fields(cx, tenant) });
}

function fields(cx: Context, { overage }: Tenant): Column<UsageView>[] {
  const unicode = drawsUnicode(cx.io.env);
  const drawn = cx.io.stdoutIsTTY;
  const calls = ({ metrics: { api_calls } }: UsageView): string => {
    const { used, limit, percent } = api_calls;
    if (limit === null) return `${used} of unlimited`;
    return `${drawn ? `${quotaBar(used, limit, { unicode })} ` : ''}${used} of ${limit} (${percent} %)`;
  };
  return [
    { header: 'tenant', value: ({ tenantId }) => tenantId },
    { header: 'month', value: ({ month }) => month },
    {
      header: 'api calls',
      value: calls,
      paint: (text, { metrics }, paint) => ((metrics.api_calls.percent ?? 0) >= 100 ? paint.red(text) : text),
    },
    { header: 'remaining', value: ({ metrics }) => metrics.api_calls.remaining },
    {
      header: 'overage',
      value: ({ metrics }) => `${metrics.api_calls.overage} (${overage === 'bill' ? 'billed' : 'blocked'})`,
    },
    { header: 'storage bytes', value: ({ metrics }) => levelOf(metrics.storage_bytes) },
    { header: 'users', value: ({ metrics }) => levelOf(metrics.users) },
    { header: 'compute seconds', value: ({ metrics }) => metrics.compute_seconds.used },
    { header: 'other', value: ({ metrics }) => others(metrics) },
    {
      header: 'by day',
      value: ({ days }) => {
        const counts = days.map(({ metrics }) => metrics['api_calls'] ?? 0);
        if (counts.length === 0) return null;
        return drawn ? `${sparkline(counts, { unicode })} last ${counts.at(-1)}` : counts.join(' ');
      },
    },
  ];
}

function levelOf({ level, limit }: { level: number | null; limit: number | null }): string | null {
  if (level === null) return null;
  return limit === null ? `${level}` : `${level} of ${limit}`;
}

/** The project's own metrics that have usage. */
function others(metrics: UsageView['metrics']): string | null {
  const own = Object.entries(metrics).filter(([name]) => !Object.hasOwn(BUILT_IN, name));
  const said = own.flatMap(([name, metric]) => {
    const amount = 'used' in metric ? metric.used : 'level' in metric ? metric.level : null;
    return amount === null || amount === 0 ? [] : [`${name} ${amount}`];
  });
  return said.length === 0 ? null : said.join(', ');
}
