import { dayOf } from '../time.ts';
import {
  absent,
  commit,
  deltaId,
  drop,
  type FlagCode,
  flagged,
  type LedgerRow,
  type LedgerScope,
  mark,
  owedOf,
  plan,
  unflagged,
  withdraw,
} from './ledger.ts';
import type { RowOutcome } from './report.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A mark this young belongs to a run that is at it: others come back to it later. Only an optimisation. */
export const LEASE_MS = 3_000;
/** An event is sent within this time of its mark. */
export const MARK_MS = 60_000;
/** So long a sink's total must show no trace of a delta before it is planned anew. */
export const STABLE_MS = DAY;
/** A value has at most so many digits at Stripe. */
const LARGEST = 999_999_999_999_999;

export const POLICIES = ['carry', 'drop', 'fail'] as const;
/** What happens to usage whose invoice is final already. */
export type FinalInvoice = (typeof POLICIES)[number];

/** What a decision depends on besides the row and its counter. */
export interface Circumstances {
  scope: LedgerScope;
  /** Epoch ms. */
  now: number;
  run: string;
  customer: string | null;
  /** Whether the sink has no such customer. */
  isGone: boolean;
  backdateDays: number | null;
  /** How long the sink recognises an id, ms; `null`: for ever. */
  dedupeMs: number | null;
  finalInvoice: FinalInvoice;
  /** Of the customer at the sink, epoch seconds; `null`: none, or not asked. */
  closedUntil: number | null;
  endedAt: number | null;
  /** Whether a counter below the ledger has been read again. */
  readAgain: boolean;
}

/**
 * What is to be done about a row. `send`: write `row`, then send its delta. `write`: write `row`, and that is that.
 * `ask`: the sink's total decides. `again`: read it again. `wait`: another run is at it. `carry`: move `delta` to
 * today's row.
 */
export type Step =
  | { do: 'settled' }
  | { do: 'send'; row: LedgerRow; delta: number }
  | { do: 'write'; row: LedgerRow; outcome: RowOutcome; delta: number | null; reason: string | null }
  | { do: 'leave'; outcome: RowOutcome; delta: number | null; reason: string }
  | { do: 'carry'; delta: number }
  | { do: 'ask' }
  | { do: 'again' }
  | { do: 'wait' };

/** State and counter → what to do. Pure. */
export function decide(row: LedgerRow, counter: number, by: Circumstances): Step {
  return row.inflight === null ? decideDelta(row, counter, by) : decideInflight(row, by);
}

function decideDelta(row: LedgerRow, counter: number, by: Circumstances): Step {
  const delta = owedOf(row, counter);
  if (delta === 0) return settled(row);
  if (delta < 0) {
    if (!by.readAgain) return { do: 'again' };
    const message = `the counter is ${counter}, ${-delta} less than what was sent`;
    return refuse(row, delta, 'counter_below', message, 'flagged', by);
  }
  if (delta > LARGEST)
    return refuse(row, delta, 'too_many_digits', `${delta} has more than 15 digits`, 'refused', by);
  const { flag } = row;
  if (flag?.code === 'customer_gone' && flag.customer === by.customer)
    return { do: 'leave', outcome: 'refused', delta, reason: flag.message };
  if (flag?.code === 'refused' && flag.delta === delta && by.now - flag.at < DAY)
    return { do: 'leave', outcome: 'refused', delta, reason: flag.message };
  if (by.isGone)
    return refuse(row, delta, 'customer_gone', `there is no customer ${by.customer}`, 'refused', by);
  if (by.backdateDays !== null && row.day < dayOf(by.now - by.backdateDays * DAY)) {
    const message = `${row.day} is more than ${by.backdateDays} days ago`;
    return refuse(row, delta, 'unbackdatable', message, 'refused', by);
  }
  const today = dayOf(by.now);
  if (by.closedUntil !== null && row.day < today && dayEnd(row.day) <= by.closedUntil) {
    if (by.finalInvoice === 'carry') return { do: 'carry', delta };
    const message = `the invoice that ${row.day} falls into is final`;
    if (by.finalInvoice === 'fail') return refuse(row, delta, 'invoice_final', message, 'refused', by);
    return { do: 'write', row: drop(row, delta, by.now), outcome: 'dropped', delta, reason: message };
  }
  return { do: 'send', row: planned(row, delta, by), delta };
}

const dayEnd = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000 + 86_400;

function settled(row: LedgerRow): Step {
  if (row.flag === null) return { do: 'settled' };
  // A drift is the sink's, not the counter's: reconcile alone says that it is gone.
  if (row.flag.code === 'drift')
    return { do: 'leave', outcome: 'flagged', delta: 0, reason: row.flag.message };
  return { do: 'write', row: unflagged(row), outcome: 'settled', delta: 0, reason: null };
}

/** PLAN and MARK in one: the send follows at once. */
function planned(row: LedgerRow, delta: number, by: Circumstances): LedgerRow {
  const to = { id: deltaId(by.scope, row), customer: by.customer };
  const fresh = plan(row, delta, to, by.now);
  const { inflight } = fresh;
  // Ended at midnight, its last second is of the day before: usage of this day is after it.
  const last = by.endedAt === null ? null : by.endedAt - 1;
  const ended = last !== null && dayOf(last * 1000) === row.day ? last : null;
  if (inflight !== null && ended !== null && ended < inflight.timestamp)
    fresh.inflight = { ...inflight, timestamp: ended };
  return { ...mark(fresh, by.run, by.now), rev: row.rev + 1 };
}

function decideInflight(row: LedgerRow, by: Circumstances): Step {
  const { inflight } = row;
  if (inflight === null) return { do: 'settled' };
  const { firstAttemptAt, markAt, delta } = inflight;
  if (firstAttemptAt === null || markAt === null) {
    if (by.backdateDays === null || row.day >= dayOf(by.now - by.backdateDays * DAY))
      return { do: 'send', row: mark(row, by.run, by.now), delta };
    // Never sent, and too late now: taken back, and flagged by the next decision.
    return {
      do: 'write',
      row: withdraw(row, by.now),
      outcome: 'inflight',
      delta,
      reason: 'too old to be sent',
    };
  }
  if (inflight.by !== by.run && by.now - markAt < LEASE_MS && by.now >= markAt) return { do: 'wait' };
  if (by.dedupeMs === null || by.now - firstAttemptAt < by.dedupeMs)
    return { do: 'send', row: mark(row, by.run, by.now), delta };
  return { do: 'ask' };
}

/** What the sink's own total of the day says about a delta whose fate is unknown. `null`: it cannot say. */
export function judge(row: LedgerRow, there: number | null, by: Circumstances): Step {
  const { inflight } = row;
  if (inflight === null) return { do: 'again' };
  const { delta, absentSince } = inflight;
  if (there === null) {
    const message = 'an answer was lost, and the sink does not say what it has counted';
    return refuse(row, delta, 'unknowable', message, 'flagged', by);
  }
  if (there === row.confirmed + delta)
    return { do: 'write', row: commit(row, by.now, 'found'), outcome: 'sent', delta, reason: null };
  if (there === row.confirmed) {
    const reason = 'an answer was lost a day ago; it is sent again once the sink has shown no trace for 24 h';
    if (absentSince === null)
      return { do: 'write', row: absent(row, by.now), outcome: 'inflight', delta, reason };
    if (by.now - absentSince < STABLE_MS) return { do: 'leave', outcome: 'inflight', delta, reason };
    return { do: 'write', row: withdraw(row, by.now, 'absent'), outcome: 'inflight', delta, reason: null };
  }
  const message = `the ledger has ${row.confirmed}, or ${row.confirmed + delta} with a delta whose answer was lost; the sink has ${there}`;
  return refuse(row, delta, 'drift', message, 'flagged', by, there);
}

/** Flags the row, unless it says so already. */
function refuse(
  row: LedgerRow,
  delta: number,
  code: FlagCode,
  message: string,
  outcome: 'refused' | 'flagged',
  by: Circumstances,
  there: number | null = null,
): Step {
  const { flag } = row;
  if (flag?.code === code && flag.delta === delta && flag.there === there)
    return { do: 'leave', outcome, delta, reason: message };
  const absentSince = row.inflight === null ? {} : { inflight: { ...row.inflight, absentSince: null } };
  const next = flagged(
    { ...row, ...absentSince },
    { code, message, delta, there, customer: by.customer },
    by.now,
  );
  return { do: 'write', row: next, outcome, delta, reason: message };
}
