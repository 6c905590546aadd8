import { type RowOutcome, type SyncReport, type SyncRow, syncCategory } from '../../core/billing/report.ts';
import { atSink, type Meter } from '../../core/billing/sink.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { Column } from '../../ui/result.ts';
import type { Context } from '../context.ts';
import { amounts } from './billed.ts';

/** On a terminal, a run of more rows than this shows only those that want somebody's eyes. */
const SHOWN = 40;
const WELL = new Set<RowOutcome>(['sent', 'settled', 'planned']);
export const isWell = ({ outcome }: SyncRow): boolean => WELL.has(outcome);

/** JSON and YAML have the whole run; tables, CSV and ids its rows, with the sums on stderr. */
export async function printSync(
  cx: Context,
  report: SyncReport,
  rows: readonly SyncRow[],
  meters: readonly Meter[],
): Promise<void> {
  const { format, query } = cx.globals;
  if (format === 'json' || format === 'yaml' || query !== undefined) {
    const item = jsonOf(report, rows);
    await cx.print({ kind: 'one', item, id: report.sink, fields: [] });
    return;
  }
  const few = format !== 'table' || !cx.io.stdoutIsTTY || rows.length <= SHOWN;
  await cx.print<SyncRow>({
    kind: 'list',
    items: few ? rows : rows.filter((row) => !isWell(row)),
    id: ({ tenantId }) => tenantId,
    columns: columnsOf(meters),
  });
  cx.note(summary(report));
}

const jsonOf = (
  {
    sink,
    account,
    mode,
    dryRun,
    days,
    settled,
    sent,
    units,
    inflight,
    refused,
    flagged,
    skipped,
    ...more
  }: SyncReport,
  tenants: readonly SyncRow[],
) => {
  const { failed, looked, stopped, problems } = more;
  const counts = { days, settled, sent, units, inflight, refused, flagged, skipped };
  return { sink, account, mode, dryRun, ...counts, tenants, failed, looked, stopped, problems };
};

function columnsOf(meters: readonly Meter[]): Column<SyncRow>[] {
  const amount = amounts(meters);
  return [
    { header: 'tenant', value: ({ tenantId }) => tenantId },
    { header: 'meter', value: ({ meter }) => meter },
    { header: 'day', value: ({ day }) => day },
    { header: 'counter', value: ({ meter, counter }) => amount(meter, counter) },
    { header: 'confirmed', value: ({ meter, confirmed }) => amount(meter, confirmed) },
    { header: 'delta', value: ({ meter, delta }) => amount(meter, delta) },
    {
      header: 'outcome',
      value: ({ outcome }) => outcome,
      paint: (text, row, paint) => (isWell(row) ? paint.green(text) : paint.yellow(text)),
    },
    { header: 'reason', value: ({ reason }) => reason },
  ];
}

function summary({ sink, account, mode, dryRun, sent, looked, skipped, ...more }: SyncReport): string {
  const parts = [
    dryRun ? `${sent} would be sent` : `${sent} sent`,
    `${more.settled} settled`,
    ...(['inflight', 'refused', 'flagged', 'failed'] as const).flatMap((name) =>
      more[name] === 0 ? [] : [`${more[name]} ${name === 'inflight' ? 'on their way' : name}`],
    ),
  ];
  const without = skipped === 0 ? '' : `, ${skipped} without a customer`;
  const start = dryRun ? 'dry run, nothing was written or sent: ' : '';
  return `${start}${parts.join(', ')}; ${looked} ${looked === 1 ? 'tenant' : 'tenants'} looked at${without}; ${sink} ${account} (${mode})`;
}

/** Why a run did not end with everything settled, as the error that decides the exit code; `null`: it did. */
export function outcomeError(
  report: SyncReport,
  rows: readonly SyncRow[],
  command: string,
): SaasctlError | null {
  const { stopped, problems, looked, sent } = report;
  if (stopped === 'interrupted') {
    return new SaasctlError({
      code: 'interrupted',
      category: 'interrupted',
      message: `interrupted: ${sent} sent and written down`,
      hint: 'nothing is half done; the next run goes on from here',
      next: command,
      retryable: true,
    });
  }
  const [problem] = problems;
  if (problem !== undefined && looked === 0) return nothingSent(problems);
  const category = syncCategory(report);
  if (category === 'ok') return null;
  if (category === 'auth') return refusedOnTheWay(report, rows);
  return category === 'partial' ? incomplete(report, rows, command) : unsettled(report, rows);
}

function refusedOnTheWay({ sink, sent }: SyncReport, rows: readonly SyncRow[]): SaasctlError {
  const why = rows.find(({ outcome }) => outcome === 'inflight')?.reason ?? 'it takes nothing more from us';
  return new SaasctlError({
    code: `${sink}_unauthorized`,
    category: 'auth',
    message: `${sink} refused us on the way; ${sent} sent before, and written down`,
    hint: `${why}. Nothing is lost, and nothing is sent twice.`,
    next: refusalRemedy(sink, why),
  });
}

/** Where what refused us is set: a receiver is the project file's or the secret's matter, which doctor does not look at. */
function refusalRemedy(sink: string, why: string): string {
  if (sink === 'stripe') return 'saasctl doctor';
  if (why.includes('SAASCTL_WEBHOOK_SECRET')) return 'export SAASCTL_WEBHOOK_SECRET_FILE=<file>';
  const setting = sink === 'csv' ? '"billing"."csv"."file"' : '"billing"."webhook"."url"';
  return `set ${setting} in saasctl.json`;
}

/** Every meter is wrong: the first is the error, the others are its hint. */
function nothingSent(problems: SyncReport['problems']): SaasctlError {
  const [first, ...others] = problems;
  const also = others.map(({ message, next }) => `also: ${message}${next === null ? '' : `; ${next}`}`);
  return new SaasctlError({
    code: first?.code ?? 'meter_missing',
    category: 'config',
    message: first?.message ?? 'no meter can be billed',
    hint: [first?.hint ?? 'nothing was sent', ...also].join('\n'),
    next: first?.next ?? undefined,
  });
}

function incomplete(
  { sink, inflight, failed, stopped }: SyncReport,
  rows: readonly SyncRow[],
  command: string,
): SaasctlError {
  const why = rows.find(({ outcome }) => outcome === 'inflight' || outcome === 'failed')?.reason ?? null;
  const parts = [
    ...(inflight === 0 ? [] : [`${inflight} on their way`]),
    ...(failed === 0 ? [] : [`${failed} could not be looked at`]),
    ...(stopped === 'unreachable' && sink !== 'csv' ? ['nobody answers there'] : []),
  ];
  return new SaasctlError({
    code: 'sync_incomplete',
    category: 'partial',
    message: `not everything is sent: ${parts.join(', ')}`,
    hint: `${why === null ? '' : `${why}. `}Nothing is lost, and nothing is sent twice.`,
    next: command,
    retryable: true,
  });
}

function unsettled({ sink, refused, flagged, problems }: SyncReport, rows: readonly SyncRow[]): SaasctlError {
  const row = rows.find(({ outcome }) => outcome === 'refused' || outcome === 'flagged');
  const parts = [
    ...(refused === 0 ? [] : [`${refused} refused`]),
    ...(flagged === 0 ? [] : [`${flagged} flagged`]),
    ...problems.map(({ message }) => message),
  ];
  const remedies = problems.map(
    ({ message, hint, next }) =>
      `${message}${hint === null ? '' : `; ${hint}`}${next === null ? '' : `; ${next}`}`,
  );
  const where = row === undefined ? [] : [`${row.tenantId}, ${row.meter}, ${row.day}: ${row.reason}`];
  return new SaasctlError({
    code: row?.flag ?? problems[0]?.code ?? 'sync_flagged',
    category: 'pending',
    message: `somebody has to look: ${parts.join(', ')}`,
    hint: [...where, ...remedies, 'All else is settled.'].join('\n'),
    next: row === undefined ? (problems[0]?.next ?? undefined) : remedyOf(row, sink),
  });
}

function remedyOf({ flag, tenantId }: SyncRow, sink: string): string {
  if (flag === 'customer_gone') return `saasctl tenant update ${tenantId} --stripe-customer <cus_…>`;
  if (flag === 'drift' || flag === 'unknowable' || flag === 'counter_below')
    return `saasctl usage reconcile --tenant ${tenantId}${atSink(sink)}`;
  return `saasctl usage ledger ${tenantId}${atSink(sink)}`;
}
