import type { AuditEntry } from '../audit.ts';
import { SaasctlError } from '../errors.ts';
import { type Change, changesBetween } from '../mutation.ts';
import { isoTime } from '../time.ts';
import { MARK_MS } from './decide.ts';
import { HISTORY, type LedgerRow, owedOf } from './ledger.ts';
import { atSink } from './sink.ts';

/**
 * What a person says about a row. `counted`, `not_counted`: the delta whose answer was lost did arrive, or did not.
 * `confirmed`: so much has the sink. `write_off`: what is owed will not be billed. `clear_flag`: it was looked at.
 */
export type Correction =
  | { kind: 'counted' | 'not_counted' | 'write_off' | 'clear_flag' }
  | { kind: 'confirmed'; value: number };

/**
 * So long after its mark, a delta may still be on its way by the run that marked it: its answer may take its time, and a
 * receiver's refused batch is taken apart for half a minute before.
 */
const SENDING_MS = MARK_MS + 45_000;

/** A correction as a value: shown before it is made, and audited. */
export interface CorrectionPlan {
  before: LedgerRow;
  after: LedgerRow;
  changes: Change[];
}

/** Throws a conflict where the row, of that sink's ledger, is not what the correction is about. `now` in epoch ms. */
export function planCorrection(
  row: LedgerRow,
  counter: number,
  correction: Correction,
  now: number,
  sink: string,
): CorrectionPlan {
  const after = corrected(row, counter, correction, now);
  if (typeof after === 'string') throw refusal(row, after, sink);
  const delta = after.confirmed - row.confirmed + (after.dropped - row.dropped);
  const entry = { at: now, event: 'corrected' as const, seq: row.seq, delta };
  const whole: LedgerRow = {
    ...after,
    flag: null,
    rev: row.rev + 1,
    history: [...row.history, entry].slice(-HISTORY),
  };
  const changes = changesBetween(row, whole, ['confirmed', 'inflight', 'dropped', 'flag']);
  return { before: row, after: whole, changes };
}

/** The row as corrected, or why it cannot be. */
function corrected(row: LedgerRow, counter: number, correction: Correction, now: number): LedgerRow | string {
  const { kind } = correction;
  if (kind === 'clear_flag') return row.flag === null ? 'has no flag' : row;
  if (kind === 'confirmed') {
    const { value } = correction;
    if (row.inflight !== null) return 'has a delta on its way: say first whether it was counted';
    return Number.isSafeInteger(value) && value >= 0
      ? { ...row, confirmed: value }
      : `cannot have ${value} confirmed`;
  }
  if (kind === 'write_off') {
    if (row.inflight !== null) return 'has a delta on its way: say first whether it was counted';
    const owed = owedOf(row, counter);
    return owed === 0 ? 'owes nothing' : { ...row, dropped: row.dropped + owed };
  }
  if (row.inflight === null) return 'has no delta on its way';
  const until = (row.inflight.markAt ?? Number.NEGATIVE_INFINITY) + SENDING_MS;
  if (now < until) return `is being sent by a run: what became of it can be said from ${isoTime(until)} on`;
  return {
    ...row,
    confirmed: row.confirmed + (kind === 'counted' ? row.inflight.delta : 0),
    inflight: null,
  };
}

const refusal = ({ tenantId, eventName, day }: LedgerRow, why: string, sink: string): SaasctlError =>
  new SaasctlError({
    code: 'correction_refused',
    category: 'conflict',
    message: `the ledger row of ${tenantId}, ${eventName}, ${day} ${why}`,
    hint: 'nothing was changed',
    next: `saasctl usage ledger ${tenantId}${atSink(sink)}`,
  });

/** The audit's entry of a correction. */
export const correctionAudit = (
  { before, changes }: CorrectionPlan,
  kind: Correction['kind'],
  by: { id: string; now: number; actor: string; requestId: string },
): AuditEntry => ({
  id: by.id,
  at: isoTime(by.now),
  actor: by.actor,
  action: `billing.correct.${kind}`,
  tenantId: before.tenantId,
  keyId: null,
  changes: [{ field: 'row', from: null, to: `${before.eventName}#${before.day}` }, ...changes],
  requestId: by.requestId,
});
