import { usageError } from '../../core/errors.ts';
import type { ControlStore } from '../../core/ports.ts';
import { monthOf } from '../../core/time.ts';
import { usageView } from '../../core/usage/usage.ts';
import { drawsUnicode, quotaBar } from '../../ui/bar.ts';
import { inBatches } from '../batches.ts';
import type { Context, Host } from '../context.ts';
import { define, limitOption, onRun } from '../define.ts';

interface Row {
  tenantId: string;
  plan: string;
  used: number;
  limit: number | null;
  percent: number | null;
}

export function top(host: Host) {
  const command = define('top', {
    summary: 'The tenants with the most API calls this month',
    examples: ['usage top', 'usage top -L 20 -o csv'],
  }).addOption(limitOption().default('10'));
  return onRun(host, command, runTop);
}

async function runTop(cx: Context, { limit }: { limit: string }): Promise<void> {
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > 10_000) {
    throw usageError('bad_limit', `--limit: '${limit}' is not a number of tenants`, {
      hint: 'it is a whole number from 1 to 10000',
    });
  }
  const rows = await busiest(await cx.store(), monthOf(cx.now()), most);
  const unicode = drawsUnicode(cx.io.env);
  await cx.print({
    kind: 'list',
    items: rows,
    id: ({ tenantId }) => tenantId,
    columns: [
      { header: 'tenant', value: ({ tenantId }) => tenantId },
      { header: 'plan', value: ({ plan }) => plan },
      { header: 'calls', value: ({ used }) => used },
      { header: 'limit', value: (row) => (row.limit === null ? 'unlimited' : row.limit) },
      {
        header: 'used',
        value: ({ used, limit: of, percent }) => {
          if (percent === null) return null;
          return cx.io.stdoutIsTTY ? `${quotaBar(used, of, { unicode })} ${percent} %` : `${percent} %`;
        },
      },
    ],
    empty: 'no tenants yet; create one with  saasctl tenant create <id>',
  });
}

/** All tenants pass by, a batch of gates at a time; only the busiest are kept. */
async function busiest(store: ControlStore, month: string, most: number): Promise<Row[]> {
  let kept: Row[] = [];
  const living = store.tenants({ limit: null, after: null }, ({ status }) => status !== 'deleted');
  for await (const tenants of inBatches(living.items, 100)) {
    // Usage folded out of the gate this month is read per tenant, before the gates.
    const folded = await Promise.all(tenants.map(({ id }) => store.usage(id, `${month}-01`, `${month}-31`)));
    const gates = await store.gates(tenants.map(({ id }) => id));
    for (const [i, tenant] of tenants.entries()) {
      const { used, limit, percent } = usageView(tenant, month, folded[i] ?? [], gates.get(tenant.id) ?? null)
        .metrics.api_calls;
      kept.push({ tenantId: tenant.id, plan: tenant.plan, used, limit, percent });
    }
    kept = kept.sort((a, b) => b.used - a.used || (a.tenantId < b.tenantId ? -1 : 1)).slice(0, most);
  }
  return kept;
}
