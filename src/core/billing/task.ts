import { SaasctlError } from '../errors.ts';
import { dayOf } from '../time.ts';
import type { UsageItem } from '../usage/usage.ts';
import { counterOf, type Pair } from './counter.ts';
import { type Circumstances, decide, judge, type Step } from './decide.ts';
import { dedupeMs } from './deliver.ts';
import { type LedgerRow, newRow, owedOf, type RowKey, rowId } from './ledger.ts';
import { NO_PERIODS, type Periods } from './periods.ts';
import { type Billable, type GateDays, usageId } from './ports.ts';
import type { RowOutcome } from './report.ts';
import type { Run } from './run.ts';

/** A row that wants a close look. */
export interface Wanted extends Pair {
  tenant: Billable;
}

/** One row under work, with what was read of it. */
export interface Task extends Wanted {
  row: LedgerRow;
  counter: number;
  /** Whether a counter below the ledger has been read again. */
  readAgain: boolean;
}

export interface Result {
  task: Task;
  row: LedgerRow;
  outcome: RowOutcome;
  delta: number | null;
  reason: string | null;
}

export const outcomeOf = (
  task: Task,
  outcome: RowOutcome,
  delta: number | null,
  reason: string | null,
): Result => ({ task, row: task.row, outcome, delta, reason });

export const keyOf = ({ tenant, meter, day }: Wanted): RowKey => ({
  tenantId: tenant.id,
  eventName: meter.eventName,
  day,
});
export const taskId = (wanted: Wanted): string => rowId(keyOf(wanted));

/**
 * Rows, then counters: a delta planned on an older row is refused by the row's condition. Of the counters, what is
 * recorded before the gate: a fold moves from this to that, and would be counted twice the other way round.
 */
export async function look(run: Run, wanted: readonly Wanted[]): Promise<Task[]> {
  const { ledger } = run.options;
  const rows = await ledger.rows(run.scope, wanted.map(keyOf));
  const recorded: Map<string, UsageItem> = await ledger.recorded(
    wanted.map(({ tenant, meter, day }) => ({ tenantId: tenant.id, day, metric: meter.metric })),
    true,
  );
  const gates: Map<string, GateDays> = await ledger.gates([
    ...new Set(wanted.map(({ tenant }) => tenant.id)),
  ]);
  return wanted.map(({ tenant, meter, day }) => {
    const item = recorded.get(usageId({ tenantId: tenant.id, day, metric: meter.metric }));
    return {
      tenant,
      meter,
      day,
      row: rows.get(taskId({ tenant, meter, day })) ?? newRow(keyOf({ tenant, meter, day })),
      counter: counterOf(meter, day, item, gates.get(tenant.id) ?? {}),
      readAgain: false,
    };
  });
}

/** The customer whose billing decides about what is to be sent of a row; `null`: nothing is, or there is none. */
async function askedAbout(run: Run, { row, counter, tenant, meter, day }: Task): Promise<string | null> {
  const { sink, clock } = run.options;
  const customer = sink.needsCustomer ? tenant.stripeCustomerId : null;
  const isOwed = !run.gone.has(meter.eventName) && row.inflight === null && owedOf(row, counter) > 0;
  if (customer === null || !isOwed) return null;
  // Today's usage is on no final invoice: it matters only whether the subscription ended.
  const ended = day === dayOf(clock.now()) ? await run.ended() : null;
  return ended === null || ended.has(customer) ? customer : null;
}

/** Asks side by side what the steps of these rows will depend on. Who fails is asked again by its step. */
export async function askPeriods(run: Run, tasks: readonly Task[]): Promise<void> {
  const customers = new Set(await Promise.all(tasks.map((task) => askedAbout(run, task))));
  await Promise.all([...customers].map((one) => one && run.periods(one).catch(() => {})));
}

async function periodsOf(run: Run, task: Task): Promise<Periods | null> {
  const customer = await askedAbout(run, task);
  if (customer === null) return NO_PERIODS;
  return run.periods(customer).catch((error: unknown): Periods => {
    const category = error instanceof SaasctlError ? error.category : 'remote';
    if (category === 'auth') run.stop('unauthorized');
    // Today's usage is on no final invoice: what is wrong is said, and written down, by the delivery.
    const isRefused = category === 'config' || category === 'not_found';
    if (isRefused && task.day === dayOf(run.options.clock.now())) return NO_PERIODS;
    throw error;
  });
}

/** What is to be done about a row; asks the sink where that depends on it. */
export async function stepOf(run: Run, task: Task): Promise<Step> {
  if (run.gone.has(task.meter.eventName)) {
    const delta = owedOf(task.row, task.counter);
    return { do: 'leave', outcome: 'inflight', delta, reason: 'the meter is gone' };
  }
  const { sink, clock, runId, finalInvoice } = run.options;
  const { row, counter, tenant, readAgain } = task;
  const periods = await periodsOf(run, task);
  const by: Circumstances = {
    ...(periods ?? NO_PERIODS),
    isGone: periods === null,
    scope: run.scope,
    now: clock.now(),
    run: runId,
    customer: sink.needsCustomer ? tenant.stripeCustomerId : null,
    backdateDays: sink.backdateDays,
    dedupeMs: dedupeMs(sink.dedupeHours),
    finalInvoice,
    readAgain,
  };
  const step = decide(row, counter, by);
  if (step.do !== 'ask') return step;
  return judge(row, await totalAt(run.options.sink, task.meter, row), { ...by, now: clock.now() });
}

/** What a sink has counted of a row, over all customers that it was ever sent to. */
export async function totalAt(
  sink: Run['options']['sink'],
  meter: Task['meter'],
  { tenantId, day, customers }: LedgerRow,
): Promise<number | null> {
  const of = sink.needsCustomer ? customers : [null];
  const totals = await Promise.all(of.map((customer) => sink.total({ customer, tenantId, meter, day })));
  return totals.reduce<number | null>(
    (sum, total) => (sum === null || total === null ? null : sum + total),
    0,
  );
}
