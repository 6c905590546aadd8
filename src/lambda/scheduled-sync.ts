import type { LedgerStore } from '../core/billing/ports.ts';
import { syncCategory } from '../core/billing/report.ts';
import type { SyncOptions } from '../core/billing/run.ts';
import { type Synced, scopeOf, syncUsage } from '../core/billing/sync.ts';
import { SaasctlError } from '../core/errors.ts';

const HOUR = 3_600_000;
/** From these ages on, a delta whose answer was lost is reported: at 23 h its id is no longer safe to send. */
const LATE_MS = 12 * HOUR;
const ALARM_MS = 20 * HOUR;
/** What is kept back for the answers and commits of what is on its way: Stripe may take its full time limit. */
const SPARE_MS = 15_000;
/** Reasons that one invocation tells, each with a tenant that met it: one cause can stop thousands of rows. */
const MOST_REASONS = 10;

/** One structured line for the function's log. */
export type SyncLog = (line: {
  level: 'info' | 'warn' | 'error';
  event: string;
  [detail: string]: unknown;
}) => void;

export interface ScheduledSync extends Omit<SyncOptions, 'from' | 'deadline'> {
  ledger: LedgerStore;
  /** What is left of this invocation, ms. */
  remainingMs: number;
  log: SyncLog;
}

/**
 * One invocation: goes on where the last one stopped, ends with time to spare, and keeps where it stopped. The first
 * one after the last tenant begins anew. Two at once are safe: the ledger decides, not the cursor. Throws
 * `sink_unauthorized` (auth) where the key was refused, so that the invocation counts as failed.
 */
export async function scheduledSync({ remainingMs, log, ...options }: ScheduledSync): Promise<Synced> {
  const { ledger, clock, sink, stack } = options;
  const deadline = clock.now() + remainingMs - Math.min(SPARE_MS, remainingMs / 2);
  const scope = await scopeOf(sink, stack);
  const from = (await ledger.cursor(scope)) ?? { shard: 0, after: null };
  const reasons = new Map<string, { tenantId: string; rows: number }>();
  const onRow: SyncOptions['onRow'] = (row) => {
    options.onRow?.(row);
    const { outcome, reason, tenantId } = row;
    if (reason === null || (outcome !== 'failed' && outcome !== 'refused')) return;
    const seen = reasons.get(reason);
    if (seen !== undefined) seen.rows++;
    else if (reasons.size < MOST_REASONS) reasons.set(reason, { tenantId, rows: 1 });
  };
  const synced = await syncUsage({ ...options, onRow, from, deadline });
  await ledger.keepCursor(scope, synced.next);
  const age = synced.oldest === null ? 0 : clock.now() - synced.oldest;
  const result = syncCategory(synced);
  log({ level: levelOf(synced), event: 'billing_sync', result, ...synced });
  for (const [reason, of] of reasons) log({ level: 'error', event: 'billing_failed', reason, ...of });
  if (age >= LATE_MS) {
    const level = age >= ALARM_MS ? 'error' : 'warn';
    log({
      level,
      event: 'billing_unanswered',
      oldest: synced.oldest,
      hours: Math.floor(age / HOUR),
      inflight: synced.inflight,
    });
  }
  if (synced.stopped !== 'unauthorized') return synced;
  throw new SaasctlError({
    code: 'sink_unauthorized',
    category: 'auth',
    message: `${sink.name} refused the key: nothing more was sent`,
    hint: 'what was not sent is sent by the next invocation with a key that is taken',
    next: 'saasctl doctor',
  });
}

/** `error`: somebody has to look. `warn`: the next invocation goes on. */
function levelOf(synced: Synced): 'info' | 'warn' | 'error' {
  const { stopped, refused, flagged, problems } = synced;
  if (stopped === 'unauthorized' || refused + flagged + problems.length > 0) return 'error';
  return syncCategory(synced) === 'ok' ? 'info' : 'warn';
}
