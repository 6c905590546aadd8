import { randomUUID } from 'node:crypto';
import { Option } from 'commander';
import {
  type Correction,
  type CorrectionPlan,
  correctionAudit,
  planCorrection,
} from '../../core/billing/correct.ts';
import type { LedgerScope } from '../../core/billing/ledger.ts';
import type { LedgerStore } from '../../core/billing/ports.ts';
import { atSink, type Meter, type SinkName } from '../../core/billing/sink.ts';
import { parseDecimal, rescaled } from '../../core/decimal.ts';
import { SaasctlError, usageError } from '../../core/errors.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { parseDay } from '../../core/time.ts';
import { renderChanges } from '../../ui/plan.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { confirmDanger } from '../mutate.ts';
import { existing } from '../tenant-lookup.ts';
import { billedMeters, sinkOption } from './billed.ts';

interface Options {
  sink: SinkName;
  meter: string;
  day: string;
  counted?: boolean;
  notCounted?: boolean;
  confirmed?: string;
  writeOff?: boolean;
  clearFlag?: boolean;
  dryRun?: boolean;
}

const KINDS = ['counted', 'notCounted', 'confirmed', 'writeOff', 'clearFlag'] as const;
const TRIES = 5;

export function correct(host: Host) {
  const command = define('correct <id>', {
    summary: 'Correct one row of the billing ledger by hand, after reconcile found what differs',
    details:
      'For what only a person can know. The row is shown, the tenant’s id is typed (or --confirm <id>), the audit keeps it.\nNothing is sent: the next sync sends what the counter has beyond the corrected row.',
    examples: [
      'usage correct acme --meter api_calls --day 2026-11-20 --confirmed 1200 --confirm acme',
      'usage correct acme --meter api_calls --day 2026-11-20 --write-off --dry-run',
      'usage correct acme --meter api_calls --day yesterday --clear-flag',
    ],
    exits: [3, 5],
  })
    .addOption(sinkOption().default('stripe'))
    .requiredOption('--meter <event name>', 'the meter of the row')
    .requiredOption('--day <day>', 'the UTC day of the row: yyyy-mm-dd, today or yesterday')
    .addOption(exclusive('--counted', 'the delta whose answer was lost did arrive'))
    .addOption(exclusive('--not-counted', 'the delta whose answer was lost did not arrive, and never will'))
    .addOption(exclusive('--confirmed <amount>', 'so much has the sink, in units'))
    .addOption(exclusive('--write-off', 'what is owed will not be billed'))
    .addOption(exclusive('--clear-flag', 'it was looked at, and is right as it is'))
    .addOption(dryRunOption());
  return onRun(host, command, runCorrect);
}

function exclusive(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.conflicts(KINDS.filter((kind) => kind !== option.attributeName()));
}

async function runCorrect(cx: Context, id: string, options: Options): Promise<void> {
  checkTenantId(id);
  const day = parseDay(options.day, cx.now());
  const config = await cx.config();
  const meter = meterNamed(billedMeters(config), options.meter);
  const correction = correctionOf(options, meter);
  const sink = await cx.sink(options.sink);
  const { store, ledger: open, actor } = await cx.backend();
  await existing(store.tenant(id), id);
  const { scopeOf } = await import('../../core/billing/sync.ts');
  const scope = await scopeOf(sink, config.profile.stack);
  const ledger = await open();
  let shown: string | null = null;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const plan = await planned(ledger, scope, meter, { tenantId: id, day }, correction, cx.now());
    const changes = renderChanges(plan.changes, cx.paint);
    if (options.dryRun === true) {
      cx.note(`dry run, nothing was changed\n${changes}`);
      return show(cx, plan, 'planned');
    }
    const row = `the ledger row of ${id}, ${meter.eventName}, ${day}`;
    const said = JSON.stringify(plan.changes);
    if (shown === null) await confirmDanger(cx, 'severe', `correct ${row}`, id, `${row}\n${changes}`);
    else if (shown !== said) throw changedMeanwhile(row, id, options.sink);
    shown = said;
    const by = { id: randomUUID(), now: cx.now(), actor, requestId: cx.requestId };
    const audit = correctionAudit(plan, correction.kind, by);
    const answer = await cx.uninterrupted(() => ledger.correct(scope, plan.after, audit));
    if (answer === 'applied') return show(cx, plan, 'updated');
  }
  throw new SaasctlError({
    code: 'kept_changing',
    category: 'conflict',
    message: `the row was changed by others ${TRIES} times meanwhile`,
    hint: 'a sync is under way; nothing was changed by this command',
    retryable: true,
  });
}

/** Only what was shown is ever made. */
const changedMeanwhile = (row: string, id: string, sink: SinkName): SaasctlError =>
  new SaasctlError({
    code: 'changed_meanwhile',
    category: 'conflict',
    message: `${row} was changed by others after it was shown: the correction would be another one now`,
    hint: 'nothing was changed by this command; look at the row, and say anew what is to be corrected',
    next: `saasctl usage ledger ${id}${atSink(sink)}`,
  });

async function planned(
  ledger: LedgerStore,
  scope: LedgerScope,
  meter: Meter,
  { tenantId, day }: { tenantId: string; day: string },
  correction: Correction,
  now: number,
): Promise<CorrectionPlan> {
  const { ledgerOf } = await import('../../core/billing/reconcile.ts');
  const views = await ledgerOf(ledger, scope, [meter], { tenantId, first: day, last: day });
  const view = views.find(({ eventName }) => eventName === meter.eventName);
  if (view !== undefined) {
    const { counter, owed: _owed, ...row } = view;
    return planCorrection(row, counter ?? 0, correction, now, scope.sink);
  }
  throw new SaasctlError({
    code: 'ledger_row_not_found',
    category: 'not_found',
    message: `${tenantId} has no ledger row for ${meter.eventName} on ${day}`,
    next: `saasctl usage ledger ${tenantId}${atSink(scope.sink)}`,
  });
}

function meterNamed(meters: readonly Meter[], eventName: string): Meter {
  const meter = meters.find((one) => one.eventName === eventName);
  if (meter !== undefined) return meter;
  throw usageError('unknown_meter', `--meter: ${JSON.stringify(eventName)} is not billed`, {
    hint: `the meters are ${meters.map((one) => one.eventName).join(', ')}`,
  });
}

function correctionOf(options: Options, { scale }: Meter): Correction {
  const { confirmed } = options;
  if (options.counted === true) return { kind: 'counted' };
  if (options.notCounted === true) return { kind: 'not_counted' };
  if (options.writeOff === true) return { kind: 'write_off' };
  if (options.clearFlag === true) return { kind: 'clear_flag' };
  if (confirmed === undefined) {
    throw usageError('no_correction', 'what is to be corrected was not said', {
      hint: 'give --counted, --not-counted, --confirmed <amount>, --write-off or --clear-flag',
    });
  }
  const amount = parseDecimal(confirmed);
  const units = amount === null ? null : rescaled(amount, scale);
  if (units !== null && units >= 0n && units <= BigInt(Number.MAX_SAFE_INTEGER))
    return { kind: 'confirmed', value: Number(units) };
  throw usageError('bad_amount', `--confirmed: '${confirmed}' is not an amount`, {
    hint: `it is a number of units from 0, with at most ${scale} decimal places`,
  });
}

async function show(cx: Context, { after }: CorrectionPlan, outcome: 'updated' | 'planned'): Promise<void> {
  const { tenantId, eventName, day, confirmed, dropped, flag } = after;
  const item = { tenantId, meter: eventName, day, confirmed, dropped, flag, outcome };
  await cx.print<typeof item>({
    kind: 'one',
    item,
    id: `${tenantId}#${eventName}#${day}`,
    fields: [
      { header: 'outcome', value: () => outcome },
      { header: 'tenant', value: () => tenantId },
      { header: 'meter', value: () => eventName },
      { header: 'day', value: () => day },
      { header: 'confirmed', value: () => confirmed },
      { header: 'written off', value: () => dropped },
    ],
  });
}
