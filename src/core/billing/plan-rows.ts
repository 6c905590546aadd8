import { dayOf } from '../time.ts';
import type { Step } from './decide.ts';
import type { Ready } from './deliver.ts';
import { carry, type LedgerRow, newRow, rowId } from './ledger.ts';
import type { Run } from './run.ts';
import {
  askPeriods,
  keyOf,
  look,
  outcomeOf,
  type Result,
  stepOf,
  type Task,
  taskId,
  type Wanted,
} from './task.ts';

export interface Planned {
  /** Planned, marked and written by this run: to be sent now. */
  ready: (Ready & { task: Task; delta: number })[];
  results: Result[];
  /** Rows that another run is at. */
  held: Task[];
}

/** Times that rows are read again because somebody else wrote them first. */
const ROUNDS = 8;

/** Reads rows, decides and writes, until each is done with, ready to be sent, or held by another run. */
export async function planRows(run: Run, wanted: readonly Wanted[]): Promise<Planned> {
  const planned: Planned = { ready: [], results: [], held: [] };
  let left: readonly Wanted[] = wanted;
  let readAgain = new Set<string>();
  try {
    for (let round = 0; left.length > 0 && round < ROUNDS; round++) {
      const tasks = await look(run, left);
      for (const task of tasks) task.readAgain = readAgain.has(taskId(task));
      const { again, stale } = await planRound(run, tasks, planned);
      readAgain = new Set(again.map(taskId));
      left = [...new Map([...again, ...stale].map((one) => [taskId(one), one])).values()];
    }
    for (const one of left) planned.results.push(unread(one, 'inflight', 'other runs keep writing this row'));
  } catch (error) {
    // What is planned already is sent all the same.
    const done = new Set([...planned.ready.map(({ task }) => task), ...planned.held].map(taskId));
    for (const one of left)
      if (!done.has(taskId(one))) planned.results.push(unread(one, 'failed', (error as Error).message));
  }
  return planned;
}

const unread = (one: Wanted, outcome: 'inflight' | 'failed', reason: string): Result =>
  outcomeOf({ ...one, row: newRow(keyOf(one)), counter: 0, readAgain: false }, outcome, null, reason);

interface Write {
  task: Task;
  rows: LedgerRow[];
  applied(): void;
}

async function planRound(
  run: Run,
  tasks: readonly Task[],
  { ready, results, held }: Planned,
): Promise<{ again: Wanted[]; stale: Wanted[] }> {
  const again: Wanted[] = [];
  const writes: Write[] = [];
  await askPeriods(run, tasks);
  for (const task of tasks) {
    const step = await stepOf(run, task).catch((error: unknown): Step => {
      return { do: 'leave', outcome: 'failed', delta: null, reason: (error as Error).message };
    });
    if (step.do === 'settled') results.push(outcomeOf(task, 'settled', 0, null));
    else if (step.do === 'leave') results.push(outcomeOf(task, step.outcome, step.delta, step.reason));
    else if (step.do === 'wait') held.push(task);
    else if (step.do === 'again' || step.do === 'ask') again.push(task);
    else if (run.options.dryRun) results.push(dryly(task, step));
    else if (step.do === 'send') {
      const { row, delta } = step;
      const one = { row, meter: task.meter, task, delta };
      writes.push({ task, rows: [row], applied: () => ready.push(one) });
    } else if (step.do === 'write') {
      const { row, outcome, delta, reason } = step;
      // Taken back, or found at the sink: what the counter says meanwhile comes next.
      const more = row.inflight === null && task.row.inflight !== null;
      const applied = () => {
        if (more) again.push(task);
        if (!more || outcome === 'sent') results.push({ task, row, outcome, delta, reason });
      };
      writes.push({ task, rows: [row], applied });
    } else writes.push(await carrying(run, task, step.delta, { again, results }));
  }
  return { again, stale: await writeAll(run, writes) };
}

/** A day that another one is carried to is written by that one first, and planned in the next round. */
async function writeAll(run: Run, writes: readonly Write[]): Promise<Wanted[]> {
  const stale: Wanted[] = [];
  const taken = new Set<string>();
  const groups: Write[] = [];
  for (const write of [...writes].sort((a, b) => b.rows.length - a.rows.length)) {
    const ids = write.rows.map(rowId);
    if (ids.some((id) => taken.has(id))) stale.push(write.task);
    else groups.push(write);
    for (const id of ids) taken.add(id);
  }
  const answers = await run.options.ledger.write(
    run.scope,
    groups.map(({ rows }) => rows),
  );
  for (const [at, group] of groups.entries()) {
    if (answers[at] === 'applied') group.applied();
    else stale.push(group.task);
  }
  return stale;
}

async function carrying(
  run: Run,
  task: Task,
  delta: number,
  { again, results }: { again: Wanted[]; results: Result[] },
): Promise<Write> {
  const { ledger, clock } = run.options;
  const today = { ...task, day: dayOf(clock.now()) };
  const to = (await ledger.rows(run.scope, [keyOf(today)])).get(taskId(today)) ?? newRow(keyOf(today));
  const [from, owed] = carry(task.row, to, delta, clock.now());
  const reason = `its invoice is final: ${delta} owed on ${today.day} instead`;
  const applied = () => {
    results.push({ task, row: from, outcome: 'carried', delta, reason });
    again.push(today);
  };
  return { task, rows: [from, owed], applied };
}

function dryly(
  task: Task,
  step: Exclude<Step, { do: 'settled' | 'leave' | 'wait' | 'again' | 'ask' }>,
): Result {
  if (step.do === 'send') return outcomeOf(task, 'planned', step.delta, null);
  if (step.do === 'write') return outcomeOf(task, step.outcome, step.delta, step.reason);
  return outcomeOf(task, 'planned', step.delta, 'its invoice is final: owed today instead');
}
