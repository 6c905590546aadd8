import { dedupeMs, type Verdict } from './deliver.ts';
import { commit, flagged, type LedgerRow, rowId, withdraw } from './ledger.ts';
import type { Planned } from './plan-rows.ts';
import type { Run } from './run.ts';
import type { Result } from './task.ts';

type Answer = 'applied' | 'stale' | 'lost';

/** COMMIT: writes down what became of the deltas that were sent. */
export async function record(
  run: Run,
  ready: Planned['ready'],
  verdicts: readonly Verdict[],
): Promise<Result[]> {
  const sent = new Map(ready.map((one) => [rowId(one.row), one]));
  const changes = verdicts.map((verdict) => ({ verdict, after: rowAfter(run, verdict) }));
  const writes = changes.flatMap(({ verdict, after }) => (after === null ? [] : [{ verdict, after }]));
  // Where this fails, what was sent is still on its way by the ledger: the next run sends it again under its id.
  const answers: Answer[] = await run.options.ledger
    .write(
      run.scope,
      writes.map(({ after }) => [after]),
    )
    .catch(() => writes.map(() => 'lost' as const));
  const answerTo = new Map(writes.map(({ verdict }, at) => [verdict, answers[at] ?? 'lost']));
  const results: Result[] = [];
  for (const { verdict, after } of changes) {
    const one = sent.get(rowId(verdict.row));
    if (one === undefined) continue;
    let answer = answerTo.get(verdict) ?? 'applied';
    if (answer === 'stale') answer = await commitAnew(run, verdict).catch(() => 'lost' as const);
    const { outcome, reason } = outcomeAfter(run, verdict, answer);
    results.push({ task: one.task, row: after ?? verdict.row, outcome, delta: one.delta, reason });
  }
  return results;
}

const PERMANENT = new Set(['customer_gone', 'invalid', 'too_old']);

/**
 * Whether somebody has to look at a refusal. After an answer that was lost a sink's totals decide, in time; one that
 * knows ids for ever is never asked for them.
 */
function isFlagged({ options: { sink } }: Run, { verdict, rejected }: Verdict): boolean {
  if (rejected === null || !PERMANENT.has(rejected)) return false;
  return verdict === 'withdraw' || (verdict === 'kept' && dedupeMs(sink.dedupeHours) === null);
}

function outcomeAfter(run: Run, of: Verdict, answer: Answer): Pick<Result, 'outcome' | 'reason'> {
  const { verdict, message } = of;
  if (verdict === 'delivered') {
    if (answer === 'applied') return { outcome: 'sent', reason: null };
    return { outcome: 'inflight', reason: 'delivered, but not written down yet' };
  }
  return { outcome: isFlagged(run, of) ? 'refused' : 'inflight', reason: message };
}

/** The row after a verdict; `null`: it stays as it is. */
function rowAfter(run: Run, of: Verdict): LedgerRow | null {
  const { verdict, row, rejected, message } = of;
  const now = run.options.clock.now();
  if (verdict === 'delivered') return commit(row, now);
  const back = verdict === 'kept' ? null : withdraw(row, now, rejected === null ? 'withdrawn' : 'refused');
  if (!isFlagged(run, of)) return back;
  const code =
    rejected === 'customer_gone' ? 'customer_gone' : rejected === 'too_old' ? 'unbackdatable' : 'refused';
  const { delta = null, customer = null } = row.inflight ?? {};
  return {
    ...flagged(back ?? row, { code, message: message ?? code, delta, customer }, now),
    rev: row.rev + 1,
  };
}

/** Somebody else wrote the row meanwhile. What was delivered is committed all the same, unless that was done. */
async function commitAnew(run: Run, { verdict, row: sent }: Verdict): Promise<Answer> {
  for (let tries = 0; tries < 8; tries++) {
    const row = (await run.options.ledger.rows(run.scope, [sent])).get(rowId(sent));
    // Whoever took it over committed it; nobody takes back what may have been sent.
    if (row === undefined || row.inflight?.id !== sent.inflight?.id) return 'applied';
    if (verdict !== 'delivered') return 'lost';
    const [answer] = await run.options.ledger.write(run.scope, [[commit(row, run.options.clock.now())]]);
    if (answer === 'applied') return 'applied';
  }
  return 'lost';
}
