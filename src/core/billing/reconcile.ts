import { counterOf, type Span } from './counter.ts';
import {
  type Flag,
  flagged,
  type LedgerRow,
  type LedgerScope,
  newRow,
  owedOf,
  rowId,
  unflagged,
} from './ledger.ts';
import { type LedgerStore, usageId } from './ports.ts';
import type { Meter, Sink } from './sink.ts';
import { totalAt } from './task.ts';

/** A sink's totals lag: a difference younger than this may still go away by itself. */
const LAG_MS = 24 * 3_600_000;

/** A row of the ledger beside what it is about, as `usage ledger` shows it. */
export interface LedgerView extends LedgerRow {
  /** `null` for an event name that is no longer configured. */
  counter: number | null;
  /** What is still to be sent. */
  owed: number | null;
}

/** A tenant's rows from day `first` to `last` beside their counters, by day. */
export async function ledgerOf(
  ledger: LedgerStore,
  scope: LedgerScope,
  meters: readonly Meter[],
  { tenantId, first, last }: { tenantId: string; first: string; last: string },
): Promise<LedgerView[]> {
  const query = { tenantId, eventName: null, first, last, consistent: true };
  const known = new Map((await ledger.rowsOf(scope, query)).map((row) => [rowId(row), row]));
  const items = await ledger.usage(tenantId, first, last);
  const gate = (await ledger.gates([tenantId])).get(tenantId) ?? {};
  const recorded = new Map(
    items.map((item) => [usageId({ tenantId, day: item.day, metric: item.metric }), item]),
  );
  const days = new Set([
    ...items.map(({ day }) => day),
    ...Object.keys(gate).map((name) => name.slice(0, 10)),
  ]);
  const views = new Map<string, LedgerView>();
  for (const meter of meters) {
    const { eventName, metric } = meter;
    const ofMeter = [...known.values()].filter((row) => row.eventName === eventName).map(({ day }) => day);
    for (const day of new Set([...days, ...ofMeter])) {
      const id = rowId({ tenantId, eventName, day });
      const row = known.get(id) ?? newRow({ tenantId, eventName, day });
      const counter = counterOf(meter, day, recorded.get(usageId({ tenantId, day, metric })), gate);
      if (day >= first && day <= last && (row.rev > 0 || counter > 0))
        views.set(id, { ...row, counter, owed: owedOf(row, counter) });
    }
  }
  for (const [id, row] of known) if (!views.has(id)) views.set(id, { ...row, counter: null, owed: null });
  return [...views.values()].sort((a, b) => (rowOrder(a) < rowOrder(b) ? -1 : 1));
}

const rowOrder = ({ day, eventName }: LedgerRow): string => `${day}#${eventName}`;

/**
 * `equal`: the sink has what the ledger says, and that is all there is. `unsent`: the same, and the counter has more.
 * `pending`: something is on its way, or so fresh that the sink's total
 * may lag. `drift`: neither. `unknown`: the sink does not say.
 */
export type Agreement = 'equal' | 'unsent' | 'pending' | 'drift' | 'unknown';

/** Both numbers of a row side by side. Amounts are integers of 10^-scale units. */
export interface ReconcileRow {
  tenantId: string;
  meter: string;
  day: string;
  counter: number | null;
  confirmed: number;
  inflight: number;
  /** What the sink has counted. */
  there: number | null;
  /** The sink's less the ledger's. */
  difference: number | null;
  agreement: Agreement;
  flag: Flag | null;
}

export interface ReconcileOptions {
  ledger: LedgerStore;
  sink: Sink;
  scope: LedgerScope;
  meters: readonly Meter[];
  tenantIds: AsyncIterable<string>;
  days: { first: string; last: string };
  now(): number;
  /** Flags nothing. */
  dryRun?: boolean;
  signal?: AbortSignal | null;
  onRow(row: ReconcileRow): void;
}

export interface ReconcileReport {
  sink: string;
  account: string;
  mode: 'live' | 'test';
  rows: number;
  equal: number;
  unsent: number;
  pending: number;
  drift: number;
  unknown: number;
}

/**
 * Compares the ledger with the sink, row by row, and flags what differs. Nothing is corrected: a sink that has more
 * than the ledger was told by somebody else, or lost an answer of ours, and only a person can say which.
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileReport> {
  const { ledger, scope, meters, days, signal = null } = options;
  const { sink, account, mode } = scope;
  const report: ReconcileReport = {
    sink,
    account,
    mode,
    rows: 0,
    equal: 0,
    unsent: 0,
    pending: 0,
    drift: 0,
    unknown: 0,
  };
  for await (const tenantId of options.tenantIds) {
    if (signal?.aborted) break;
    let billed: Span | null = null;
    for (const view of await ledgerOf(ledger, scope, meters, { tenantId, ...days })) {
      const meter = meters.find(({ eventName }) => eventName === view.eventName);
      if (meter === undefined) continue;
      if (view.rev === 0) {
        billed ??= await billedDays(options, tenantId);
        if (view.day < billed.first || view.day > billed.last) continue;
      }
      const row = await compare(options, meter, view);
      report.rows++;
      report[row.agreement]++;
      options.onRow(row);
    }
  }
  return report;
}

/** The days of a tenant that are to be billed to this sink at all; none without a customer. */
async function billedDays({ ledger, sink, scope, days }: ReconcileOptions, tenantId: string): Promise<Span> {
  if (!sink.needsCustomer) return days;
  const { stripeCustomerId = null, billFrom = null } = (await ledger.listed(scope, tenantId))?.tenant ?? {};
  return { first: billFrom ?? '', last: stripeCustomerId === null ? '' : days.last };
}

async function compare(options: ReconcileOptions, meter: Meter, view: LedgerView): Promise<ReconcileRow> {
  const { ledger, sink, scope, dryRun = false } = options;
  const { counter, owed, ...row } = view;
  const there = await totalAt(sink, meter, row);
  const now = options.now();
  let agreement = agreementOf(row, there, now);
  let { flag } = row;
  if (!dryRun && row.inflight === null) {
    const next = flagAfter(row, there, agreement, now);
    if (next !== null) {
      // Somebody else wrote the row meanwhile: then it was not settled, and comes next time.
      if ((await ledger.correct(scope, next, null)) === 'applied') flag = next.flag;
      else agreement = 'pending';
    }
  }
  return {
    tenantId: row.tenantId,
    meter: row.eventName,
    day: row.day,
    counter,
    confirmed: row.confirmed,
    inflight: row.inflight?.delta ?? 0,
    there,
    difference: there === null ? null : there - row.confirmed,
    agreement: agreement === 'equal' && row.inflight === null && (owed ?? 0) > 0 ? 'unsent' : agreement,
    flag,
  };
}

function agreementOf(row: LedgerRow, there: number | null, now: number): Agreement {
  if (there === null) return 'unknown';
  if (there === row.confirmed) return 'equal';
  if (row.inflight !== null && there === row.confirmed + row.inflight.delta) return 'pending';
  const lastAt = row.history.at(-1)?.at ?? 0;
  return there < row.confirmed && now - lastAt < LAG_MS ? 'pending' : 'drift';
}

function flagAfter(
  row: LedgerRow,
  there: number | null,
  agreement: Agreement,
  now: number,
): LedgerRow | null {
  if (agreement === 'equal') return row.flag?.code === 'drift' ? unflagged(row) : null;
  if (agreement !== 'drift' || (row.flag?.code === 'drift' && row.flag.there === there)) return null;
  const message = `the ledger has ${row.confirmed}, the sink has ${there}`;
  return flagged(row, { code: 'drift', message, there }, now);
}
