import { MARK_MS } from './decide.ts';
import { eventOf, type LedgerRow, mark } from './ledger.ts';
import { waitFor } from './pace.ts';
import type { Run } from './run.ts';
import type { Delivery, Meter } from './sink.ts';

/** A row whose delta is planned and marked by this run. */
export interface Ready {
  row: LedgerRow;
  meter: Meter;
}

type Rejection = Extract<Delivery, { kind: 'rejected' }>['reason'];

/**
 * What became of a delta. `withdraw`: no attempt can have counted. `kept`: one may have, or another run has it now.
 */
export interface Verdict extends Ready {
  verdict: 'delivered' | 'withdraw' | 'kept';
  /** Of a refusal; else `null`. */
  rejected: Rejection | null;
  message: string | null;
}

/** Attempts whose answer is lost, refusals to connect, and conflicts; too fast is waited out as long as the run lasts. */
const TRIES = { ambiguous: 4, unreachable: 4, conflict: 10, rate: 100 } as const;

interface Attempted extends Ready {
  /** Whether an attempt so far may have counted. */
  uncertain: boolean;
  tries: Record<keyof typeof TRIES, number>;
}

/** Sends deltas: one customer and meter after the other, as many of them at once as the pace lets through. */
export async function deliver(run: Run, ready: readonly Ready[]): Promise<Verdict[]> {
  const verdicts = await Promise.all(lines(run, ready).map((line) => inLine(run, line)));
  return verdicts.flat();
}

/** Batches that go one after the other; lines go side by side. No batch holds a customer and meter twice. */
function lines(run: Run, ready: readonly Ready[]): Ready[][][] {
  const lanes = new Map<string, Ready[]>();
  for (const one of ready) lanes.set(laneOf(one), [...(lanes.get(laneOf(one)) ?? []), one]);
  const { batch } = run.options.sink;
  if (batch === 1) return [...lanes.values()].map((lane) => lane.map((one) => [one]));
  const batches: Ready[][] = [];
  for (let wave = 0; ; wave++) {
    const inWave = [...lanes.values()].flatMap((lane) => lane[wave] ?? []);
    if (inWave.length === 0) return [batches];
    for (let at = 0; at < inWave.length; at += batch) batches.push(inWave.slice(at, at + batch));
  }
}

const laneOf = ({ row }: Ready): string => `${row.inflight?.customer ?? row.tenantId}#${row.eventName}`;

async function inLine(run: Run, line: readonly Ready[][]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const batch of line) {
    const [first] = batch;
    const key = batch.length === 1 && first !== undefined ? laneOf(first) : 'batch';
    verdicts.push(...(await run.inTurn(key, () => deliverBatch(run, batch))));
  }
  return verdicts;
}

async function deliverBatch(run: Run, batch: readonly Ready[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  let left: Attempted[] = batch.map((one) => ({
    ...one,
    uncertain: one.row.inflight?.uncertain ?? false,
    tries: { ambiguous: 0, unreachable: 0, conflict: 0, rate: 0 },
  }));
  const end = (
    one: Attempted,
    verdict: Verdict['verdict'],
    rejected: Rejection | null,
    message: string | null,
  ) => {
    verdicts.push({ row: one.row, meter: one.meter, verdict, rejected, message });
  };
  while (left.length > 0) {
    await run.pace.take();
    try {
      const due: Attempted[] = [];
      for (const one of left) {
        const kept = await readyNow(run, one);
        if (kept === null) due.push(one);
        else end(one, kept, null, null);
      }
      left = [];
      if (due.length === 0) break;
      const answers = await attempt(run, due);
      let waitMs = 0;
      for (const [at, one] of due.entries()) {
        const answer = answers[at] ?? LOST;
        run.heard(
          answer.kind !== 'ambiguous' && !(answer.kind === 'retry' && answer.reason === 'unreachable'),
        );
        if (answer.kind === 'delivered') {
          run.pace.faster();
          end(one, 'delivered', null, null);
        } else if (answer.kind === 'rejected') {
          if (answer.reason === 'unauthorized') run.stop('unauthorized');
          if (answer.reason === 'meter_gone') run.gone.add(one.meter.eventName);
          // A refusal says nothing of an earlier attempt whose answer was lost.
          end(one, one.uncertain ? 'kept' : 'withdraw', answer.reason, answer.message);
        } else {
          const why = answer.kind === 'ambiguous' ? 'ambiguous' : answer.reason;
          if (answer.kind === 'ambiguous') one.uncertain = true;
          else if (answer.reason === 'rate') run.pace.slow(answer.afterMs);
          if (++one.tries[why] >= TRIES[why])
            end(one, one.uncertain ? 'kept' : 'withdraw', null, answer.message);
          else left.push(one);
          if (why !== 'rate') waitMs = Math.max(waitMs, backOff(run, one.tries[why]));
        }
      }
      if (left.length > 0) await waitFor(waitMs, run.options.clock, () => run.stopping() !== null);
    } finally {
      run.pace.done();
    }
  }
  return verdicts;
}

const LOST: Delivery = {
  kind: 'ambiguous',
  reason: 'unparsable',
  message: 'no answer was given for this event',
};

const backOff = (run: Run, tries: number): number =>
  Math.round(100 * 2 ** Math.min(tries, 6) * (0.5 + (run.options.random ?? Math.random)()));

/**
 * Whether an event may go out now: `null` if so. Within `MARK_MS` of its mark, which is renewed where it is older,
 * and while the sink still recognises its id.
 */
async function readyNow(run: Run, one: Attempted): Promise<'withdraw' | 'kept' | null> {
  const { clock, runId, ledger, sink } = run.options;
  const unsent = one.uncertain ? 'kept' : 'withdraw';
  if (run.stopping() !== null || run.gone.has(one.meter.eventName)) return unsent;
  const { inflight } = one.row;
  if (inflight?.markAt == null || inflight.firstAttemptAt === null) return 'kept';
  const dedupe = dedupeMs(sink.dedupeHours);
  if (dedupe !== null && clock.now() - inflight.firstAttemptAt >= dedupe) return 'kept';
  const age = clock.now() - inflight.markAt;
  if (age >= 0 && age <= MARK_MS) return null;
  const renewed = mark(one.row, runId, clock.now(), !one.uncertain);
  const [answer] = await ledger.write(run.scope, [[renewed]]).catch(() => ['stale' as const]);
  if (answer !== 'applied') return 'kept';
  one.row = renewed;
  // The write may have taken long, too.
  return readyNow(run, one);
}

export const dedupeMs = (hours: number | null | undefined): number | null =>
  hours === null ? null : (hours ?? 23) * 3_600_000;

async function attempt(run: Run, due: readonly Attempted[]): Promise<Delivery[]> {
  const events = due.flatMap(({ row, meter }) =>
    row.inflight === null ? [] : [eventOf(row, row.inflight, meter)],
  );
  try {
    return await run.options.sink.deliver(events);
  } catch (error) {
    const message = (error as Error).message;
    return events.map(() => ({ kind: 'ambiguous', reason: 'reset', message }));
  }
}
