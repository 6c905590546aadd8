import { createHash } from 'node:crypto';
import type { UsageEvent } from './sink.ts';

/** Whose ledger: a trial with a test key must not mark usage as billed for live. */
export interface LedgerScope {
  stack: string;
  sink: string;
  account: string;
  mode: 'live' | 'test';
}

export interface RowKey {
  tenantId: string;
  eventName: string;
  /** `yyyy-mm-dd`, UTC. */
  day: string;
}

/**
 * What a sink has been told of one tenant, meter and UTC day. Amounts are integers of the metric's 10^-scale units.
 * The day is settled when `confirmed` equals what is owed: the counter + `carriedIn` − `carriedOut` − `dropped`.
 */
export interface LedgerRow extends RowKey {
  /** Provably counted at the sink. */
  confirmed: number;
  /** Deltas ever planned; names the next one. */
  seq: number;
  /** The one delta that may be on its way. */
  inflight: Inflight | null;
  /** Owed here on behalf of days whose invoice was final. */
  carriedIn: number;
  /** Moved to a later day, because the invoice of this one was final. */
  carriedOut: number;
  /** Written off: by the policy `drop`, or by an explicit correction. */
  dropped: number;
  flag: Flag | null;
  /** Customers that this row was ever sent to; empty where the sink knows tenants by our id. */
  customers: string[];
  /** The last events, oldest first; at most `HISTORY`. */
  history: LedgerEntry[];
  /** Counts writes; every write is conditional on it. 0: not stored yet. */
  rev: number;
}

/** A delta, written down before it is sent. */
export interface Inflight {
  /** Names the delta at the sink. */
  id: string;
  delta: number;
  /** Epoch seconds that it is stamped with. */
  timestamp: number;
  customer: string | null;
  /** Epoch ms of the first mark: an attempt may have been made since. `null`: provably never sent. */
  firstAttemptAt: number | null;
  /** Epoch ms of the last mark, and the run that made it. */
  markAt: number | null;
  by: string | null;
  /** Whether an attempt before the last mark may have counted. */
  uncertain: boolean;
  /** Since when the sink's total has shown no trace of it, epoch ms. */
  absentSince: number | null;
}

export type FlagCode =
  | 'counter_below'
  | 'too_many_digits'
  | 'unbackdatable'
  | 'invoice_final'
  | 'customer_gone'
  | 'refused'
  | 'drift'
  | 'unknowable';

/** Why a row needs somebody. */
export interface Flag {
  code: FlagCode;
  /** Epoch ms. */
  at: number;
  message: string;
  /** What the flag is about: the delta refused, the customer that is gone, the sink's own total. */
  delta: number | null;
  customer: string | null;
  there: number | null;
}

export interface LedgerEntry {
  /** Epoch ms. */
  at: number;
  event: 'sent' | 'found' | 'absent' | 'withdrawn' | 'refused' | 'carried' | 'dropped' | 'corrected';
  seq: number;
  delta: number;
}

export const HISTORY = 16;

export const newRow = ({ tenantId, eventName, day }: RowKey): LedgerRow => ({
  tenantId,
  eventName,
  day,
  confirmed: 0,
  seq: 0,
  inflight: null,
  carriedIn: 0,
  carriedOut: 0,
  dropped: 0,
  flag: null,
  customers: [],
  history: [],
  rev: 0,
});

export const rowId = ({ tenantId, eventName, day }: RowKey): string => `${tenantId}#${eventName}#${day}`;

/** What is still to be sent of a counter. Below 0: the counter shrank, or the sink was told too much. */
export const owedOf = (row: LedgerRow, counter: number): number =>
  counter + row.carriedIn - row.carriedOut - row.dropped - row.confirmed;

/** The counter at which a row is settled. */
export const settledAt = (row: LedgerRow): number =>
  row.confirmed - row.carriedIn + row.carriedOut + row.dropped;

/**
 * The name of a row's next delta: made of what never changes and `seq`, which only grows. Never of the totals: a
 * retry after the counter moved would overlap what was sent before.
 */
export function deltaId(scope: LedgerScope, row: LedgerRow): string {
  const parts = [scope.stack, scope.sink, scope.account, scope.mode, row.tenantId, row.eventName, row.day];
  const hash = createHash('sha256').update(JSON.stringify([...parts, row.seq + 1]));
  return `sc_${hash.digest('base64url')}`;
}

const touched = (row: LedgerRow, change: Partial<LedgerRow>): LedgerRow => ({
  ...row,
  ...change,
  rev: row.rev + 1,
});

const noted = (row: LedgerRow, at: number, event: LedgerEntry['event'], delta: number): LedgerEntry[] =>
  [...row.history, { at, event, seq: row.seq, delta }].slice(-HISTORY);

/** Sending on does not make a drift go away. */
const drifted = ({ flag }: LedgerRow): Flag | null => (flag?.code === 'drift' ? flag : null);

/** PLAN: intent before sending. The row has no delta on its way. `now` in epoch ms. */
export function plan(
  row: LedgerRow,
  delta: number,
  to: { id: string; customer: string | null },
  now: number,
): LedgerRow {
  const { id, customer } = to;
  const knows = customer === null || row.customers.includes(customer);
  return touched(row, {
    seq: row.seq + 1,
    customers: knows ? row.customers : [...row.customers, customer],
    flag: drifted(row),
    inflight: {
      id,
      delta,
      timestamp: stampOf(row.day, now),
      customer,
      firstAttemptAt: null,
      markAt: null,
      by: null,
      uncertain: false,
      absentSince: null,
    },
  });
}

/** Within its day, and never in the future. Epoch seconds. */
const stampOf = (day: string, now: number): number =>
  Math.min(Math.floor(now / 1000), Date.parse(`${day}T00:00:00Z`) / 1000 + 86_399);

/**
 * MARK: from here on an attempt may have been made. A later mark never moves the first, and what became of the
 * attempt before it is not known unless the same run knows (`certain`).
 */
export function mark(row: LedgerRow, run: string, now: number, certain = false): LedgerRow {
  const { inflight } = row;
  if (inflight === null) return row;
  return touched(row, {
    inflight: {
      ...inflight,
      firstAttemptAt: inflight.firstAttemptAt ?? now,
      markAt: now,
      by: run,
      uncertain: inflight.uncertain || (inflight.firstAttemptAt !== null && !certain),
      absentSince: null,
    },
  });
}

/** COMMIT: the sink has it. `found`: its total says so. */
export function commit(row: LedgerRow, now: number, event: 'sent' | 'found' = 'sent'): LedgerRow {
  const { inflight } = row;
  if (inflight === null) return row;
  return touched(row, {
    confirmed: row.confirmed + inflight.delta,
    inflight: null,
    flag: event === 'found' ? null : drifted(row),
    history: noted(row, now, event, inflight.delta),
  });
}

/** No attempt can have counted: the delta is taken back, and planned anew under another id. */
export function withdraw(
  row: LedgerRow,
  now: number,
  event: 'withdrawn' | 'absent' | 'refused' = 'withdrawn',
): LedgerRow {
  const { inflight } = row;
  if (inflight === null) return row;
  return touched(row, { inflight: null, history: noted(row, now, event, inflight.delta) });
}

/** The sink's total shows no trace of the delta: remembered since when. */
export function absent(row: LedgerRow, now: number): LedgerRow {
  const { inflight } = row;
  if (inflight === null || inflight.absentSince !== null) return row;
  return touched(row, { inflight: { ...inflight, absentSince: now } });
}

export const flagged = (
  row: LedgerRow,
  flag: Pick<Flag, 'code' | 'message'> & Partial<Flag>,
  now: number,
): LedgerRow => touched(row, { flag: { delta: null, customer: null, there: null, at: now, ...flag } });

export const unflagged = (row: LedgerRow): LedgerRow => touched(row, { flag: null });

/** Policy `drop`: the invoice is final, the usage is written off. */
export const drop = (row: LedgerRow, delta: number, now: number): LedgerRow =>
  touched(row, {
    dropped: row.dropped + delta,
    flag: null,
    history: noted(row, now, 'dropped', delta),
  });

/** Policy `carry`: the invoice is final, the usage is owed on a later day. Both rows are written in one transaction. */
export const carry = (from: LedgerRow, to: LedgerRow, delta: number, now: number): [LedgerRow, LedgerRow] => [
  touched(from, {
    carriedOut: from.carriedOut + delta,
    flag: null,
    history: noted(from, now, 'carried', -delta),
  }),
  touched(to, { carriedIn: to.carriedIn + delta, history: noted(to, now, 'carried', delta) }),
];

/** A delta on its way, as the sink takes it. */
export function eventOf(row: LedgerRow, inflight: Inflight, meter: UsageEvent['meter']): UsageEvent {
  const { id, customer, delta: value, timestamp } = inflight;
  return { id, tenantId: row.tenantId, customer, meter, day: row.day, value, timestamp };
}
