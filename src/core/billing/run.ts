import type { FinalInvoice } from './decide.ts';
import type { LedgerScope } from './ledger.ts';
import type { Clock, Pace } from './pace.ts';
import { createEnded, createPeriods, type Periods } from './periods.ts';
import type { Cursor, LedgerStore } from './ports.ts';
import type { Stop, SyncProgress, SyncReport, SyncRow } from './report.ts';
import type { Meter, Sink } from './sink.ts';

export interface SyncOptions {
  ledger: LedgerStore;
  sink: Sink;
  stack: string;
  meters: readonly Meter[];
  finalInvoice: FinalInvoice;
  clock: Clock;
  /** Names this run among others at the same time. */
  runId: string;
  /** Writes and sends nothing. */
  dryRun?: boolean;
  /** One tenant alone. */
  tenantId?: string | null;
  /** Days `yyyy-mm-dd` alone, both included. */
  days?: { first: string; last: string } | null;
  /** The configured cap; the sink's own where it is lower. */
  eventsPerSecond?: number | null;
  /** Epoch ms at which nothing new is begun. */
  deadline?: number | null;
  signal?: AbortSignal | null;
  /** Where an earlier run stopped: from there to the end of the lists, not round. `null`: all of them, in any order. */
  from?: Cursor | null;
  random?(): number;
  /** Brings recorded usage up to date before it is read: a gauge is sampled. */
  prepare?(tenantId: string, now: number): Promise<void>;
  /** How often: with each run, as what is billed needs it (the default), or with a tenant's sweep, once a day. */
  prepareWith?: 'run' | 'sweep';
  /** Moves days that are over from the gate to the recorded usage. */
  fold?(tenantId: string, now: number): Promise<void>;
  /** Each row that was looked at closely. */
  onRow?(row: SyncRow): void;
  onProgress?(progress: SyncProgress): void;
}

/** One run, under way. */
export interface Run {
  options: SyncOptions;
  scope: LedgerScope;
  meters: Meter[];
  report: SyncReport;
  pace: Pace;
  /** Where a customer's billing stands at the sink: asked once a run. `null`: there is no such customer. */
  periods(customer: string): Promise<Periods | null>;
  /** Customers whose subscription ended today; `null`: not known. */
  ended(): Promise<ReadonlySet<string> | null>;
  /** Why nothing new is begun, or `null`. */
  stopping(): Stop | null;
  /** Ends the run early. */
  stop(why: Stop): void;
  /** One delivery at a time to a customer and meter. */
  inTurn<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** What became of an attempt: enough failures in a row, and nobody is there. */
  heard(answered: boolean): void;
  waiting: number;
  startedAt: number;
  /** Meters that are gone at the sink. */
  gone: Set<string>;
}

/** Failures in a row, without one answer between them, after which a run gives up. */
const DEAF = 25;

export function openRun(options: SyncOptions, scope: LedgerScope, meters: Meter[], pace: Pace): Run {
  const { sink, clock, dryRun = false, deadline = null, signal = null } = options;
  const turns = new Map<string, Promise<unknown>>();
  let stopped: Stop | null = null;
  let unanswered = 0;
  const run: Run = {
    options,
    scope,
    meters,
    pace,
    periods: createPeriods(sink, clock, () => run.stopping() !== null),
    ended: createEnded(sink, clock),
    waiting: 0,
    startedAt: clock.now(),
    gone: new Set(),
    report: {
      sink: sink.name,
      account: scope.account,
      mode: scope.mode,
      dryRun,
      days: 0,
      settled: 0,
      sent: 0,
      units: {},
      inflight: 0,
      oldest: null,
      refused: 0,
      flagged: 0,
      skipped: 0,
      failed: 0,
      looked: 0,
      stopped: null,
      problems: [],
    },
    stopping() {
      if (stopped !== null) return stopped;
      if (signal?.aborted) return 'interrupted';
      return deadline !== null && clock.now() >= deadline ? 'budget' : null;
    },
    stop(why) {
      stopped ??= why;
    },
    async inTurn(key, work) {
      const before = turns.get(key);
      const mine = (async () => {
        await before;
        return work();
      })();
      const settled = mine.catch(() => {});
      turns.set(key, settled);
      try {
        return await mine;
      } finally {
        if (turns.get(key) === settled) turns.delete(key);
      }
    },
    heard(answered) {
      unanswered = answered ? 0 : unanswered + 1;
      if (unanswered >= DEAF) run.stop('unreachable');
    },
  };
  return run;
}

/** A row's outcome, counted and handed on. */
export function tell(run: Run, row: SyncRow): void {
  const { report } = run;
  report.days++;
  if (row.outcome === 'settled' || row.outcome === 'carried' || row.outcome === 'dropped') report.settled++;
  else if (row.outcome === 'failed') report.failed++;
  else if (row.outcome === 'refused') report.refused++;
  else if (row.outcome === 'flagged') report.flagged++;
  else if (row.outcome === 'inflight') {
    report.inflight++;
    if (row.since !== null) report.oldest = Math.min(report.oldest ?? row.since, row.since);
  } else {
    report.sent++;
    report.units[row.meter] = (report.units[row.meter] ?? 0) + (row.delta ?? 0);
  }
  run.options.onRow?.(row);
}

export function progress(run: Run): void {
  const { report, waiting, startedAt, options } = run;
  const seconds = Math.max(0.001, (options.clock.now() - startedAt) / 1000);
  options.onProgress?.({
    looked: report.looked,
    sent: report.sent,
    waiting,
    perSecond: report.sent / seconds,
  });
}
