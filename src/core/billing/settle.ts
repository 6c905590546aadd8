import { nextHead, type Pair, type RowState, type Swept } from './counter.ts';
import { deliver } from './deliver.ts';
import { type LedgerRow, owedOf, settledAt } from './ledger.ts';
import { planRows } from './plan-rows.ts';
import type { Billable, Head } from './ports.ts';
import { record } from './record.ts';
import { type RowOutcome, rowReport } from './report.ts';
import { type Run, tell } from './run.ts';
import type { Result, Task, Wanted } from './task.ts';

/** A tenant, and its rows that want a close look. */
export interface Work {
  tenant: Billable;
  pairs: Pair[];
  of: Whole;
}

/** What all parts of a tenant's work share: its head is kept when the last of them is done. */
export interface Whole extends Swept {
  head: Head | null;
  /** Parts still to be done. */
  parts: number;
  /** What became of the rows of those that are. */
  states: RowState[];
}

/**
 * Settles the rows of some tenants: plans and marks them, sends, commits, and keeps in the heads what is settled.
 * Returns what another run is at.
 */
export async function settle(run: Run, works: readonly Work[]): Promise<Work[]> {
  const results: Result[] = [];
  const held: Task[] = [];
  let wanted: Wanted[] = works.flatMap(({ tenant, pairs }) => pairs.map((pair) => ({ tenant, ...pair })));
  while (wanted.length > 0) {
    const done = await settleOnce(run, wanted);
    results.push(...done.results);
    held.push(...done.held);
    wanted = run.stopping() === null ? done.recorded.filter(isBehind).map(({ task }) => task) : [];
  }
  for (const { task, row, outcome, delta, reason } of results) {
    const [counter, confirmed] = outcome === 'failed' ? [null, null] : [task.counter, row.confirmed];
    const flag = row.flag?.code ?? null;
    const since = row.inflight?.firstAttemptAt ?? null;
    tell(run, rowReport(row, counter, confirmed, outcome, { delta, reason, flag, since }));
  }
  if (!run.options.dryRun) await keepHeads(run, works, results, held);
  return works.flatMap((work) => {
    const pairs = held.filter(({ tenant }) => tenant.id === work.tenant.id);
    if (pairs.length === 0) return [];
    return [{ ...work, pairs: pairs.map(({ meter, day }) => ({ meter, day })) }];
  });
}

async function settleOnce(
  run: Run,
  wanted: readonly Wanted[],
): Promise<{ results: Result[]; recorded: readonly Result[]; held: readonly Task[] }> {
  const { ready, results, held } = await planRows(run, wanted);
  let recorded: Result[] = [];
  if (run.options.dryRun) {
    for (const { task, row, delta } of ready)
      results.push({ task, row, outcome: 'planned', delta, reason: null });
  } else {
    run.waiting += ready.length;
    const verdicts = await deliver(run, ready);
    run.waiting -= ready.length;
    recorded = await record(run, ready, verdicts);
    results.push(...recorded);
  }
  return { results, recorded, held };
}

/** Sent was what another run had planned and left behind: what was used since comes next. */
const isBehind = ({ task, row, outcome }: Result): boolean =>
  outcome === 'sent' && task.row.inflight !== null && owedOf(row, task.counter) > 0;

const SETTLED = new Set<RowOutcome>(['settled', 'sent', 'carried', 'dropped']);

async function keepHeads(
  run: Run,
  works: readonly Work[],
  results: readonly Result[],
  held: readonly Task[],
): Promise<void> {
  const now = run.options.clock.now();
  const wholes = new Map(works.map(({ tenant, of }) => [tenant.id, of]));
  const add = ({ tenantId, eventName, day }: LedgerRow, settled: number | null) => {
    wholes.get(tenantId)?.states.push({ eventName, day, settled });
  };
  for (const { task, row, outcome } of results) {
    const isSettled = row.inflight === null && row.flag === null && SETTLED.has(outcome);
    add(row, isSettled && owedOf(row, task.counter) === 0 ? settledAt(row) : null);
  }
  for (const { row } of held) add(row, null);
  const heads: Head[] = [];
  for (const { of } of works) of.parts--;
  for (const [tenantId, of] of wholes) {
    if (of.parts > 0) continue;
    const next = nextHead(of.head, tenantId, of.states, of, now);
    if (of.head === null || !sameHead(of.head, next)) heads.push(next);
    [of.head, of.states] = [next, []];
  }
  // Without its head a tenant is looked at more closely than needed, no more.
  if (heads.length > 0) await run.options.ledger.keepHeads(run.scope, heads).catch(() => {});
}

const sameHead = (a: Head, b: Head): boolean =>
  a.swept === b.swept &&
  String(a.open) === String(b.open) &&
  String(a.meters) === String(b.meters) &&
  [...new Set([...Object.keys(a.settled), ...Object.keys(b.settled)])].every((eventName) => {
    const [one, other] = [a.settled[eventName] ?? {}, b.settled[eventName] ?? {}];
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((day) => one[day] === other[day]);
  });
