import type { FlagCode, RowKey } from './ledger.ts';
import type { SinkProblem } from './sink.ts';

/**
 * What became of a row in a run. `settled`: nothing was to be sent. `sent`: delivered and written down. `planned`: a
 * dry run would send it. `inflight`: on its way, or its fate unknown; the next run goes on. `refused`: not sent, and
 * will not be until somebody acts. `flagged`: the numbers differ. `carried`, `dropped`: its invoice was final.
 * `failed`: it could not be looked at.
 */
export type RowOutcome =
  | 'settled'
  | 'sent'
  | 'planned'
  | 'inflight'
  | 'refused'
  | 'flagged'
  | 'carried'
  | 'dropped'
  | 'failed';

/** One row of a run, as JSON shows it (`meter` is the event name). Amounts are integers of 10^-scale units. */
export interface SyncRow {
  tenantId: string;
  meter: string;
  day: string;
  /** `null` where it could not be read. */
  counter: number | null;
  confirmed: number | null;
  delta: number | null;
  outcome: RowOutcome;
  /** Why, where that needs saying; and the flag on the row. */
  reason: string | null;
  flag: FlagCode | null;
  /** Epoch ms of the first attempt at a delta that is still on its way. */
  since: number | null;
}

/** A run in numbers: contract.md's sync JSON without its rows. */
export interface SyncReport {
  sink: string;
  account: string;
  mode: 'live' | 'test';
  dryRun: boolean;
  /** Rows (tenant × meter × day) that were looked at because something differed. */
  days: number;
  settled: number;
  sent: number;
  /** What was sent, by event name, in 10^-scale units. */
  units: Record<string, number>;
  inflight: number;
  /** Epoch ms of the oldest first attempt among them: from 23 h on the sink's totals have to decide. */
  oldest: number | null;
  refused: number;
  flagged: number;
  /** Tenants without a customer. */
  skipped: number;
  failed: number;
  /** Tenants looked at. */
  looked: number;
  /** Whether every tenant was looked at; if not, why the run ended early. */
  stopped: Stop | null;
  /** Meters that could not be billed, and why. */
  problems: SinkProblem[];
}

export type Stop = 'interrupted' | 'budget' | 'unauthorized' | 'unreachable';

export interface SyncProgress {
  looked: number;
  /** Events delivered, and those known to be waiting. */
  sent: number;
  waiting: number;
  /** Events a second, over the run so far. */
  perSecond: number;
}

/** 7: run it again. 8: somebody has to look. */
export function syncCategory(report: SyncReport): 'ok' | 'partial' | 'pending' | 'auth' {
  if (report.stopped === 'unauthorized') return 'auth';
  if (report.stopped !== null || report.inflight > 0 || report.failed > 0) return 'partial';
  return report.refused > 0 || report.flagged > 0 || report.problems.length > 0 ? 'pending' : 'ok';
}

export const rowReport = (
  { tenantId, eventName, day }: RowKey,
  counter: number | null,
  confirmed: number | null,
  outcome: RowOutcome,
  more: Partial<SyncRow> = {},
): SyncRow => ({
  tenantId,
  meter: eventName,
  day,
  counter,
  confirmed,
  delta: null,
  outcome,
  reason: null,
  flag: null,
  since: null,
  ...more,
});
