import { dayOf } from '../time.ts';
import type { UsageItem } from '../usage/usage.ts';
import { counterOf, type Pair } from './counter.ts';
import { type Circumstances, decide, judge, type Step } from './decide.ts';
import { dedupeMs } from './deliver.ts';
import { type LedgerRow, newRow, owedOf, type RowKey, rowId } from './ledger.ts';
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

const LEAVING = new Set(['suspended', 'offboarding', 'deleted']);
const NO_PERIODS = { closedUntil: null, endedAt: null };

/** What is to be done about a row; asks the sink where that depends on it. */
export async function stepOf(run: Run, task: Task): Promise<Step> {
  if (run.gone.has(task.meter.eventName)) {
    const delta = owedOf(task.row, task.counter);
    return { do: 'leave', outcome: 'inflight', delta, reason: 'the meter is gone' };
  }
  const { sink, clock, runId, finalInvoice } = run.options;
  const { row, counter, tenant, day, readAgain } = task;
  const now = clock.now();
  const customer = sink.needsCustomer ? tenant.stripeCustomerId : null;
  const isLate = day < dayOf(now - 86_400_000);
  const delta = row.inflight === null ? owedOf(row, counter) : 0;
  const asks = customer !== null && delta > 0 && (isLate || LEAVING.has(tenant.status));
  const by: Circumstances = {
    ...((asks ? await sink.periods?.(customer) : null) ?? NO_PERIODS),
    scope: run.scope,
    now,
    run: runId,
    customer,
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
