import { SaasctlError } from '../errors.ts';
import { dayOf } from '../time.ts';
import type { UsageItem } from '../usage/usage.ts';
import { CHUNK_ROWS, CHUNKS, inChunks, inParts } from './chunks.ts';
import {
  differing,
  knowsMeters,
  type Pair,
  type Span,
  sweepDay,
  sweepMark,
  unsettled,
  watched,
} from './counter.ts';
import { LEASE_MS } from './decide.ts';
import type { LedgerScope } from './ledger.ts';
import { createPace, waitFor } from './pace.ts';
import { createPool, inTurns } from './pool.ts';
import type { Cursor, Listed } from './ports.ts';
import { rowReport, type SyncReport } from './report.ts';
import { openRun, progress, type Run, type SyncOptions, tell } from './run.ts';
import { settle, type Whole, type Work } from './settle.ts';
import type { Meter, Sink, SinkProblem } from './sink.ts';

const DAY = 86_400_000;
/** Requests on their way at a time. */
const CONCURRENT = 100;
/** Days beyond what a sink takes that are still looked at, so that what is lost is said. */
const MARGIN_DAYS = 7;
/** How far back a sink is filled that takes any day. */
const ANY_DAYS = 400;
/** Above so many rows of one tenant, the settled ones are not looked at once more. */
const FEW_ROWS = 6;

/** What a run did, and where the next one goes on: `null` when it saw every tenant. */
export type Synced = SyncReport & { next: Cursor | null };

/**
 * Brings a sink up to date with the counters. Any number of runs may be under way at once, and each may be ended at
 * any moment. Throws `SaasctlError` (config) where nothing can be sent, before the first write.
 */
export async function syncUsage(options: SyncOptions): Promise<Synced> {
  const { sink, clock, stack, eventsPerSecond = null } = options;
  const scope = await scopeOf(sink, stack);
  const problems = await sink.preflight(options.meters, clock.now());
  const fatal = problems.find(({ meter }) => meter === null);
  if (fatal !== undefined) throw problemError(fatal);
  const stopped = new Set(problems.map(({ meter }) => meter?.eventName));
  const meters = options.meters.filter(({ eventName }) => !stopped.has(eventName));
  const perSecond = Math.min(sink.perSecond ?? Infinity, eventsPerSecond ?? Infinity);
  const cap = perSecond === Infinity ? null : perSecond;
  const pace = createPace(cap, CONCURRENT, clock, () => run.stopping() !== null);
  const run: Run = openRun(options, scope, meters, pace);
  run.report.problems = problems;
  const next = meters.length === 0 ? null : await overAll(run, perSecond);
  return { ...run.report, stopped: run.stopping(), next };
}

export const scopeOf = async (sink: Sink, stack: string): Promise<LedgerScope> => ({
  stack,
  sink: sink.name,
  account: await sink.account(),
  mode: sink.mode,
});

export const problemError = ({ code, message, hint, next }: SinkProblem): SaasctlError =>
  new SaasctlError({ code, category: 'config', message, hint: hint ?? undefined, next: next ?? undefined });

/** A page of tenants, done when every part of their rows is. */
interface PageDone {
  from: Cursor;
  left: number;
}

async function overAll(run: Run, perSecond: number): Promise<Cursor | null> {
  const pool = createPool(CHUNKS);
  const held: Work[] = [];
  const pages: PageDone[] = [];
  let chunk: { work: Work; page: PageDone }[] = [];
  let rows = 0;
  // Chunks small enough that a mark is still young when its turn to be sent comes.
  const most = Math.max(1, Math.min(CHUNK_ROWS, Math.floor(perSecond * 5)));
  const dispatch = async () => {
    const mine = chunk;
    [chunk, rows] = [[], 0];
    if (mine.length === 0) return;
    await pool.start(async () => {
      held.push(
        ...(await settle(
          run,
          mine.map(({ work }) => work),
        )),
      );
      if (run.stopping() === null) for (const { page } of mine) page.left--;
      for (const { work } of mine) await foldOf(run, work);
      progress(run);
    });
  };
  for await (const { page, from } of pagesOf(run)) {
    const done: PageDone = { from, left: 1 };
    pages.push(done);
    if (run.stopping() !== null) break;
    for (const work of await worksOf(run, page)) {
      for (const part of inParts(work, most)) {
        done.left++;
        if (rows + part.pairs.length > most) await dispatch();
        chunk.push({ work: part, page: done });
        rows += part.pairs.length;
      }
      if (chunk.length >= CHUNK_ROWS) await dispatch();
    }
    done.left--;
    // What is done is forgotten, from the front: memory does not grow with the tenants.
    while (pages[0]?.left === 0) pages.shift();
    progress(run);
  }
  await dispatch();
  await pool.idle();
  await heldByOthers(run, held, most);
  return run.stopping() === null ? null : (pages.find(({ left }) => left > 0)?.from ?? null);
}

async function* pagesOf(run: Run): AsyncGenerator<{ page: Listed[]; from: Cursor }> {
  const { ledger, tenantId = null, from = null, random = Math.random } = run.options;
  if (tenantId !== null) {
    const listed = await ledger.listed(run.scope, tenantId);
    if (listed !== null) yield { page: [listed], from: { shard: 0, after: null } };
    return;
  }
  const start = from?.shard ?? Math.floor(random() * ledger.shards);
  const count = from === null ? ledger.shards : ledger.shards - start;
  const open = (at: number) => {
    const shard = (start + at) % ledger.shards;
    const after = at === 0 ? (from?.after ?? null) : null;
    const pages = ledger.list(run.scope, shard, after)[Symbol.asyncIterator]();
    const first = pages.next();
    // Its failure is met where it is awaited.
    first.catch(() => {});
    return { shard, after, pages, first };
  };
  // The next list begins to be read while this one is worked on.
  let coming = count > 0 ? open(0) : null;
  for (let at = 0; coming !== null; at++) {
    const { shard, pages, first } = coming;
    let { after } = coming;
    coming = at + 1 < count ? open(at + 1) : null;
    for (let page = await first; !page.done; page = await pages.next()) {
      yield { page: page.value, from: { shard, after } };
      after = page.value.at(-1)?.tenant.id ?? after;
    }
  }
}

/** Those of a page that have something to do, or whose sweep is to be kept. */
async function worksOf(run: Run, page: readonly Listed[]): Promise<Work[]> {
  const { ledger, sink, clock, prepare, prepareWith, tenantId = null, days = null } = run.options;
  const now = clock.now();
  const meters = run.meters.map(({ eventName }) => eventName).sort();
  run.report.looked += page.length;
  const billable = page.filter(({ tenant }) => !sink.needsCustomer || tenant.stripeCustomerId !== null);
  run.report.skipped += page.length - billable.length;
  const failed = new Set<string>();
  const attempt = async (listed: Listed, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      failed.add(listed.tenant.id);
      const key = { tenantId: listed.tenant.id, eventName: '', day: dayOf(now) };
      tell(run, rowReport(key, null, null, 'failed', { reason: (error as Error).message }));
    }
  };
  const isDue = ({ head, tenant: { lateAt = null } }: Listed): boolean => {
    const swept = head?.swept ?? null;
    if (tenantId !== null || days !== null || head === null || swept === null) return true;
    if (!knowsMeters(head, meters)) return true;
    return swept.slice(0, 10) !== sweepDay(now) || (lateAt !== null && lateAt > swept);
  };
  const prepared = prepareWith === 'sweep' ? billable.filter(isDue) : billable;
  if (prepare !== undefined && run.options.dryRun !== true)
    await inTurns(prepared, (listed) => attempt(listed, () => prepare(listed.tenant.id, now)));
  const wholeOf = ({ tenant, head }: Listed, swept: string | null): Whole => {
    const first = firstDay(run, tenant, now);
    return { head, swept, meters, first, parts: 1, states: [] };
  };
  const quiet = billable.filter((listed) => !isDue(listed));
  const keys = quiet.flatMap(({ tenant }) => watched(tenant.id, run.meters, now));
  const recorded: Map<string, UsageItem> = keys.length === 0 ? new Map() : await ledger.recorded(keys, false);
  const works: Work[] = [];
  for (const listed of quiet) {
    const { tenant } = listed;
    const pairs = differing(listed, recorded, run.meters, spanOf(run, listed, now), now);
    if (pairs.length > 0) works.push({ tenant, pairs, of: wholeOf(listed, null) });
  }
  const due = billable.filter((listed) => isDue(listed) && !failed.has(listed.tenant.id));
  await inTurns(due, (listed) =>
    attempt(listed, async () => {
      const pairs = await sweep(run, listed, spanOf(run, listed, now));
      works.push({
        tenant: listed.tenant,
        pairs,
        of: wholeOf(listed, days === null ? sweepMark(now) : null),
      });
    }),
  );
  return works;
}

function spanOf(run: Run, { tenant }: Listed, now: number): Span {
  const { days = null } = run.options;
  const [first, today] = [firstDay(run, tenant, now), dayOf(now)];
  const last = days !== null && days.last < today ? days.last : today;
  return { first: days !== null && days.first > first ? days.first : first, last };
}

/** Before it, nothing of a tenant is looked at. */
function firstDay({ options: { sink } }: Run, { billFrom = null }: Listed['tenant'], now: number): string {
  const back = sink.backdateDays === null ? ANY_DAYS : sink.backdateDays + MARGIN_DAYS;
  const first = dayOf(now - back * DAY);
  return sink.needsCustomer && billFrom !== null && billFrom > first ? billFrom : first;
}

/**
 * All rows of a tenant that are not settled, with eventually consistent reads: what they miss comes next time. Rows are
 * read as well as counters: what was carried to a day without usage is owed on its row alone.
 */
async function sweep(run: Run, { tenant, head, gate }: Listed, span: Span): Promise<Pair[]> {
  const { ledger } = run.options;
  const items = await ledger.usage(tenant.id, span.first, span.last);
  const used = unsettled(gate, items, [], tenant.id, run.meters, span);
  const { first, last } = span;
  const eventNames = [...new Set(used.map(({ meter }) => meter.eventName))];
  const rows = await Promise.all(
    eventNames.map((eventName) =>
      ledger.rowsOf(run.scope, { tenantId: tenant.id, eventName, first, last, consistent: false }),
    ),
  );
  const owed = unsettled(gate, items, rows.flat(), tenant.id, run.meters, span);
  const open = (head?.open ?? []).flatMap((name) => openPair(name, run.meters, span));
  const pairs = [...(used.length > FEW_ROWS ? [] : used), ...owed, ...open];
  return [...new Map(pairs.map((pair) => [`${pair.meter.eventName}#${pair.day}`, pair])).values()];
}

function openPair(name: string, meters: readonly Meter[], { first, last }: Span): Pair[] {
  const day = name.slice(-10);
  const meter = meters.find(({ eventName }) => name === `${eventName}#${day}`);
  return meter === undefined || day < first || day > last ? [] : [{ meter, day }];
}

async function foldOf(run: Run, { tenant, pairs }: Work): Promise<void> {
  const { fold, clock, dryRun } = run.options;
  const now = clock.now();
  if (fold === undefined || dryRun === true) return;
  const isOld = pairs.some(({ day }) => day < dayOf(now - DAY));
  // Whoever sees the tenant next folds it otherwise.
  if (isOld) await fold(tenant.id, now).catch(() => {});
}

/** Comes back to rows that another run was at: it has settled them meanwhile, or is no more. */
async function heldByOthers(run: Run, held: readonly Work[], most: number): Promise<void> {
  let left = held;
  for (let round = 0; left.length > 0 && round < 4 && run.stopping() === null; round++) {
    await waitFor(LEASE_MS, run.options.clock, () => run.stopping() !== null);
    const pool = createPool(CHUNKS);
    const still: Work[] = [];
    for (const chunk of inChunks(left, most))
      await pool.start(async () => {
        still.push(...(await settle(run, chunk)));
      });
    await pool.idle();
    left = still;
  }
  for (const { tenant, pairs } of left)
    for (const { meter, day } of pairs) {
      const key = { tenantId: tenant.id, eventName: meter.eventName, day };
      tell(run, rowReport(key, null, null, 'inflight', { reason: 'another run is at it' }));
    }
}
