import { randomUUID } from 'node:crypto';
import { usageError } from '../../core/errors.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { isoTime } from '../../core/time.ts';
import { amountOf, counterNamed, usageDay } from '../../core/usage/amount.ts';
import { decimalOf, type Metric, metricsOf } from '../../core/usage/metrics.ts';
import { checkEventId, standingEvent, type UsageEventMark, whatIsRecorded } from '../../core/usage/record.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';

interface RecordOptions {
  id: string;
  day?: string;
  dryRun?: boolean;
}

export function record(host: Host) {
  const command = define('record <id> <metric> <amount>', {
    summary: 'Add to a tenant’s usage by hand, once for an event id',
    details:
      'Recorded again under the same event id, it is counted once. Usage of an earlier day stays on that day, up to 33 days back.',
    examples: [
      'usage record acme exports 12 --id export-2026-11-20',
      'usage record acme compute_seconds 0.25 --id job-77 --day 2026-11-20',
    ],
    exits: [3, 5],
  })
    .requiredOption('--id <event id>', 'names the event: the same again is not counted again')
    .option('--day <day>', 'yyyy-mm-dd in UTC; today by default')
    .addOption(dryRunOption());
  return onRun(host, command, runRecord);
}

/** Stripe takes no more digits than these in one event, and usage that is recorded cannot be taken back. */
const MOST_DIGITS = 15;

function billable({ name, unit, scale }: Metric, amount: number): number {
  if (amount < 10 ** MOST_DIGITS) return amount;
  throw usageError(
    'amount_too_large',
    `${name}: ${decimalOf(amount, scale)} is more than one event can bill`,
    {
      hint: `at most ${decimalOf(10 ** MOST_DIGITS - 1, scale)} ${unit} at once, ${MOST_DIGITS} digits`,
    },
  );
}

async function runRecord(
  cx: Context,
  tenantId: string,
  metric: string,
  amount: string,
  options: RecordOptions,
): Promise<void> {
  checkTenantId(tenantId);
  const { project } = await cx.config();
  const declared = counterNamed(metricsOf(project.metrics), metric);
  const now = cx.now();
  const line = {
    metric,
    amount: billable(declared, amountOf(declared, amount)),
    day: usageDay(options.day, now),
  };
  const what = whatIsRecorded([{ ...line, day: options.day }]);
  const mark: UsageEventMark = { id: checkEventId(options.id), what, by: randomUUID() };
  const { store, actor } = await cx.backend();
  await existing(store.tenant(tenantId), tenantId);
  const shown = { metric, amount: decimalOf(line.amount, declared.scale), day: line.day };

  async function outcome(): Promise<'recorded' | 'unchanged' | 'planned'> {
    if (options.dryRun) {
      const earlier = await store.recorded(tenantId, mark.id, now);
      if (earlier === null) return 'planned';
      standingEvent(mark, { what: earlier });
      return 'unchanged';
    }
    const audit = {
      id: randomUUID(),
      at: isoTime(now),
      actor,
      action: 'usage.record',
      tenantId,
      keyId: null,
      changes: [{ field: metric, from: null, to: { ...shown, event: mark.id } }],
      requestId: cx.requestId,
    };
    const { dedupeDays } = project.usage;
    const done = await cx.uninterrupted(() =>
      store.record({ tenantId, mark, lines: [line], dedupeDays, audit, now }),
    );
    return done === 'recorded' ? 'recorded' : 'unchanged';
  }

  const item = { tenantId, ...shown, amount: Number(shown.amount), id: mark.id, outcome: await outcome() };
  if (item.outcome === 'planned') cx.note('dry run, nothing was changed');
  await cx.print<typeof item>({
    kind: 'one',
    item,
    id: mark.id,
    fields: [
      { header: 'outcome', value: (one) => one.outcome },
      { header: 'tenant', value: (one) => one.tenantId },
      { header: 'metric', value: (one) => one.metric },
      { header: 'amount', value: (one) => `${one.amount} ${declared.unit}` },
      { header: 'day', value: (one) => one.day },
      { header: 'event', value: (one) => one.id },
    ],
  });
}
