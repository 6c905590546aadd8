import type { Verdict } from './deliver.ts';
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
    const { outcome, reason } = outcomeAfter(verdict, answer);
    results.push({ task: one.task, row: after ?? verdict.row, outcome, delta: one.delta, reason });
  }
  return results;
}

const PERMANENT = new Set(['customer_gone', 'invalid', 'too_old']);

function outcomeAfter(
  { verdict, rejected, message }: Verdict,
  answer: Answer,
): Pick<Result, 'outcome' | 'reason'> {
  if (verdict === 'delivered') {
    if (answer === 'applied') return { outcome: 'sent', reason: null };
    return { outcome: 'inflight', reason: 'delivered, but not written down yet' };
  }
  const refused = verdict === 'withdraw' && rejected !== null && PERMANENT.has(rejected);
  return { outcome: refused ? 'refused' : 'inflight', reason: message };
}

/** The row after a verdict; `null`: it stays as it is. */
function rowAfter(run: Run, { verdict, row, rejected, message }: Verdict): LedgerRow | null {
  const now = run.options.clock.now();
  if (verdict === 'delivered') return commit(row, now);
  if (verdict === 'kept') return null;
  const back = withdraw(row, now, rejected === null ? 'withdrawn' : 'refused');
  if (rejected === null || !PERMANENT.has(rejected)) return back;
  const code =
    rejected === 'customer_gone' ? 'customer_gone' : rejected === 'too_old' ? 'unbackdatable' : 'refused';
  const { delta = null, customer = null } = row.inflight ?? {};
  return { ...flagged(back, { code, message: message ?? code, delta, customer }, now), rev: back.rev };
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
