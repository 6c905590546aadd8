import { describe, expect, it } from 'vitest';
import { planCorrection } from '../../../src/core/billing/correct.ts';
import { type LedgerRow, newRow, rowId } from '../../../src/core/billing/ledger.ts';
import { ledgerOf, type ReconcileRow, reconcile } from '../../../src/core/billing/reconcile.ts';
import { type SyncRow, syncCategory } from '../../../src/core/billing/report.ts';
import type { SyncOptions } from '../../../src/core/billing/run.ts';
import type { Delivery, Sink } from '../../../src/core/billing/sink.ts';
import type { Synced } from '../../../src/core/billing/sync.ts';
import { dayOf } from '../../../src/core/time.ts';
import { oneStep, quietRun } from './schedule.ts';
import {
  billed,
  CALLS,
  DAY,
  difference,
  HOUR,
  newWorld,
  PAGES,
  sinkOf,
  storeOf,
  truth,
  use,
  type World,
} from './world.ts';

const SCOPE = { stack: 'test', sink: 'stripe', account: 'acct_1', mode: 'test' } as const;

/** A run on its own, its options or its sink changed, and the rows that it told of. */
async function run(world: World, change: Partial<SyncOptions> = {}, sink: Partial<Sink> = {}) {
  const rows: SyncRow[] = [];
  const report: Synced = await quietRun(world, `run${world.attempts}`, (options) => ({
    ...options,
    onRow: (row) => rows.push(row),
    ...change,
    sink: { ...options.sink, ...sink },
  }));
  return { report, rows, category: syncCategory(report) };
}

const rowOf = (world: World, tenantId = 'acme', day = dayOf(world.now)): LedgerRow | undefined =>
  world.rows.get(rowId({ tenantId, eventName: 'api_calls', day }));

/** Refuses or fails what is about one tenant; the others are delivered. */
const failing = (world: World, tenantId: string, answer: Delivery): Partial<Sink> => ({
  deliver: async (events) =>
    events[0]?.tenantId === tenantId ? [answer] : sinkOf(world, 'bent').deliver(events),
});

function used(tenants?: string[]): World {
  const world = newWorld(1, tenants);
  for (const { id } of world.tenants) use(world, id, CALLS, 5);
  return world;
}

describe('a run', () => {
  it('sends what is new, once, and nothing when nothing is', async () => {
    const world = used();
    use(world, 'acme', PAGES, 3);
    expect((await run(world)).report).toMatchObject({
      sent: 3,
      units: { api_calls: 10, pages: 3 },
      looked: 2,
    });
    expect(billed(world)).toEqual(truth(world));
    expect((await run(world)).report).toMatchObject({ sent: 0, days: 0 });
    use(world, 'acme', CALLS, 2);
    expect((await run(world)).rows).toMatchObject([{ delta: 2, confirmed: 7, counter: 7, outcome: 'sent' }]);
    expect(rowOf(world)).toMatchObject({ seq: 2, inflight: null, history: [{ delta: 5 }, { delta: 2 }] });
  });

  it('writes and sends nothing when it is dry, and says what it would', async () => {
    const world = used();
    const { rows, report } = await run(world, { dryRun: true });
    expect(rows.map(({ delta, outcome }) => [delta, outcome])).toEqual([
      [5, 'planned'],
      [5, 'planned'],
    ]);
    expect(report.dryRun).toBe(true);
    expect([world.rows.size, world.heads.size, world.attempts]).toEqual([0, 0, 0]);
  });

  it('looks at one tenant, or at some days, where that is asked for', async () => {
    const world = used();
    use(world, 'acme', PAGES, 3, dayOf(world.now - 3 * DAY));
    expect((await run(world, { tenantId: 'bolt' })).rows.map(({ tenantId }) => tenantId)).toEqual(['bolt']);
    const day = dayOf(world.now - 3 * DAY);
    const { rows } = await run(world, { days: { first: day, last: day } });
    expect(rows).toMatchObject([{ tenantId: 'acme', meter: 'pages', day, outcome: 'sent' }]);
  });

  it('skips tenants without a customer, bills deleted ones, and nothing of before a customer was linked', async () => {
    const world = used(['acme', 'bolt', 'coda']);
    const [acme, bolt, coda] = world.tenants as [
      World['tenants'][0],
      World['tenants'][0],
      World['tenants'][0],
    ];
    acme.stripeCustomerId = null;
    bolt.status = 'deleted';
    coda.billFrom = dayOf(world.now + DAY);
    const { report, rows, category } = await run(world);
    expect(rows).toMatchObject([{ tenantId: 'bolt', outcome: 'sent' }]);
    expect([report.skipped, category]).toEqual([1, 'ok']);
  });

  it('sends late usage under its own day', async () => {
    const world = used();
    await run(world);
    const late = dayOf(world.now - 3 * DAY);
    use(world, 'acme', PAGES, 4, late);
    world.now += DAY;
    expect((await run(world)).rows).toContainEqual(
      expect.objectContaining({ day: late, delta: 4, outcome: 'sent' }),
    );
  });

  it('ends when it is told to, and takes back what was never sent', async () => {
    const world = used();
    const stop = new AbortController();
    const { report, category } = await run(
      world,
      { signal: stop.signal },
      {
        deliver: async () => {
          stop.abort();
          return [{ kind: 'retry', reason: 'rate', message: '', afterMs: null }];
        },
      },
    );
    expect([report.stopped, category]).toEqual(['interrupted', 'partial']);
    expect([...world.rows.values()].map(({ inflight }) => inflight)).toEqual([null, null]);
    await run(world);
    expect(difference(world)).toEqual({ over: 0, under: 0 });
  });
});

describe('bad days', () => {
  it('a customer that is gone stops that tenant alone, and is not asked again', async () => {
    const world = used();
    const gone: Delivery = { kind: 'rejected', reason: 'customer_gone', message: 'No such customer' };
    const first = await run(world, {}, failing(world, 'acme', gone));
    expect(first.report).toMatchObject({ sent: 1, refused: 1, inflight: 0 });
    expect(first.category).toBe('pending');
    const before = world.attempts;
    const again = await run(world);
    expect([again.report.refused, world.attempts - before, again.category]).toEqual([1, 0, 'pending']);
    (world.tenants[0] as World['tenants'][0]).stripeCustomerId = 'cus_new';
    expect((await run(world)).report).toMatchObject({ sent: 1, refused: 0 });
  });

  it('a refusal after an answer that was lost says nothing about what was lost', async () => {
    const world = used(['acme']);
    let tries = 0;
    const { report } = await run(
      world,
      {},
      {
        async deliver(events) {
          if (++tries > 1) return [{ kind: 'rejected', reason: 'invalid', message: 'no' }];
          await sinkOf(world, 'bent').deliver(events);
          return [{ kind: 'ambiguous', reason: 'timeout', message: 'no answer' }];
        },
      },
    );
    expect(report).toMatchObject({ inflight: 1, refused: 0 });
    expect(rowOf(world)?.inflight).not.toBeNull();
    world.now += HOUR;
    await run(world);
    expect(difference(world)).toEqual({ over: 0, under: 0 });
  });

  it('a key that is refused stops everything', async () => {
    const world = used();
    const answer: Delivery = { kind: 'rejected', reason: 'unauthorized', message: 'expired' };
    const { report, category } = await run(world, {}, { deliver: async () => [answer] });
    expect([report.stopped, category]).toEqual(['unauthorized', 'auth']);
    await run(world);
    expect(difference(world)).toEqual({ over: 0, under: 0 });
  });

  it('a meter with a problem is not planned for, the others are billed', async () => {
    const world = used(['acme']);
    use(world, 'acme', PAGES, 3);
    const problem = {
      meter: PAGES,
      code: 'meter_inactive',
      message: 'pages is inactive',
      hint: null,
      next: null,
    };
    const { report, category } = await run(world, {}, { preflight: async () => [problem] });
    expect([report.sent, report.units, category]).toEqual([1, { api_calls: 5 }, 'pending']);
    await expect(
      run(world, {}, { preflight: async () => [{ ...problem, meter: null, code: 'clock_skewed' }] }),
    ).rejects.toMatchObject({ code: 'clock_skewed', exitCode: 2 });
  });

  it('a sink that nobody answers for ends the run, and nothing is lost', async () => {
    const world = used(Array.from({ length: 40 }, (_, at) => `t${at}`));
    const answer: Delivery = { kind: 'retry', reason: 'unreachable', message: 'ECONNREFUSED', afterMs: null };
    const { report } = await run(world, {}, { deliver: async () => [answer] });
    expect(report.stopped).toBe('unreachable');
    await run(world);
    expect(difference(world)).toEqual({ over: 0, under: 0 });
  });

  it('a counter below what was sent is flagged, not billed, and found in order when it is again', async () => {
    const world = used(['acme']);
    await run(world);
    const gate = world.gates.get('acme') ?? {};
    gate[dayOf(world.now)] = 3;
    const { rows, category } = await run(world);
    expect(rows).toMatchObject([{ outcome: 'flagged', flag: 'counter_below', delta: -2 }]);
    expect(category).toBe('pending');
    use(world, 'acme', CALLS, 4);
    expect((await run(world)).rows).toMatchObject([{ outcome: 'sent', delta: 2, flag: null }]);
  });

  it('more than 15 digits are refused; usage that is too old to be sent is flagged', async () => {
    const world = used(['acme']);
    use(world, 'acme', CALLS, 10 ** 15);
    use(world, 'acme', PAGES, 3, dayOf(world.now - 36 * DAY));
    const { rows } = await run(world);
    expect(rows.map(({ outcome, flag }) => [outcome, flag]).sort()).toEqual([
      ['refused', 'too_many_digits'],
      ['refused', 'unbackdatable'],
    ]);
    expect(world.attempts).toBe(0);
  });

  it('an answer lost for a day is decided by the totals, and a total that fits neither is flagged', async () => {
    const world = used(['acme']);
    const lose: Partial<Sink> = {
      deliver: async () => [{ kind: 'ambiguous', reason: 'timeout', message: 'no answer' }],
    };
    expect((await run(world, {}, lose)).report.inflight).toBe(1);
    world.now += 24 * HOUR;
    const { rows } = await run(world, {}, { total: async () => 2 });
    expect(rows).toMatchObject([{ outcome: 'flagged', flag: 'drift' }]);
    // No trace: remembered since when, and sent again once that is a day.
    expect((await run(world)).report.inflight).toBe(1);
    world.now += 23 * HOUR;
    expect((await run(world)).report.inflight).toBe(1);
    world.now += 2 * HOUR;
    expect((await run(world)).report.sent).toBe(1);
    expect(difference(world)).toEqual({ over: 0, under: 0 });
  });
});

describe('usage whose invoice is final', () => {
  const late = async (finalInvoice: 'carry' | 'drop' | 'fail') => {
    const world = newWorld(1, ['acme']);
    use(world, 'acme', PAGES, 4, dayOf(world.now - 5 * DAY));
    const closedUntil = world.now / 1000 - 2 * 86_400;
    const ran = await run(world, { finalInvoice }, { periods: async () => ({ closedUntil, endedAt: null }) });
    return { world, ...ran };
  };
  const totals = (world: World) => [...billed(world)].map(([id, total]) => [id.split('#')[1], total]);

  it('is carried to today', async () => {
    const { world, rows, category } = await late('carry');
    expect(rows.map(({ outcome, delta }) => [outcome, delta])).toEqual([
      ['carried', 4],
      ['sent', 4],
    ]);
    expect(totals(world)).toEqual([[dayOf(world.now), 4]]);
    expect(category).toBe('ok');
  });

  it('is dropped, and is not owed any more', async () => {
    const { world, rows } = await late('drop');
    expect(rows).toMatchObject([{ outcome: 'dropped', delta: 4 }]);
    world.now += DAY;
    expect((await run(world)).report).toMatchObject({ sent: 0, refused: 0 });
    expect(totals(world)).toEqual([]);
  });

  it('fails, and says so', async () => {
    const { rows, category } = await late('fail');
    expect(rows).toMatchObject([{ outcome: 'refused', flag: 'invoice_final' }]);
    expect(category).toBe('pending');
  });
});

describe('reconcile', () => {
  async function compare(world: World, change: Partial<Sink> = {}): Promise<ReconcileRow[]> {
    const rows: ReconcileRow[] = [];
    let done = false;
    const all = reconcile({
      ledger: storeOf(world, 'r'),
      sink: { ...sinkOf(world, 'r'), ...change },
      scope: SCOPE,
      meters: world.meters,
      tenantIds: ids(world),
      days: { first: '2026-10-01', last: '2026-12-31' },
      now: () => world.now,
      onRow: (row) => rows.push(row),
    }).finally(() => {
      done = true;
    });
    while (!done) {
      oneStep(world);
      await new Promise((wake) => setImmediate(wake));
    }
    await all;
    return rows;
  }
  async function* ids({ tenants }: World) {
    for (const { id } of tenants) yield id;
  }

  it('shows both numbers, flags what differs for a day, and corrects nothing', async () => {
    const world = used(['acme']);
    await run(world);
    expect(await compare(world, { total: async () => 0 })).toMatchObject([
      { agreement: 'pending', confirmed: 5, there: 0 },
    ]);
    world.now += 25 * HOUR;
    expect(await compare(world)).toMatchObject([{ agreement: 'equal', there: 5, flag: null }]);
    expect(await compare(world, { total: async () => 9 })).toMatchObject([
      { agreement: 'drift', difference: 4, flag: { code: 'drift', there: 9 } },
    ]);
    expect([...world.rows.values()]).toMatchObject([{ confirmed: 5, flag: { code: 'drift' } }]);
    expect(await compare(world)).toMatchObject([{ agreement: 'equal', flag: null }]);
  });

  it('the ledger of a tenant says what is owed', async () => {
    const world = used(['acme']);
    await run(world);
    use(world, 'acme', CALLS, 2);
    let views: unknown;
    ledgerOf(storeOf(world, 'r'), SCOPE, world.meters, {
      tenantId: 'acme',
      first: '2026-11-01',
      last: '2026-11-30',
    }).then((value) => {
      views = value;
    });
    while (views === undefined) {
      oneStep(world);
      await new Promise((wake) => setImmediate(wake));
    }
    expect(views).toMatchObject([{ counter: 7, confirmed: 5, owed: 2 }]);
  });
});

describe('a correction', () => {
  const row: LedgerRow = {
    ...newRow({ tenantId: 'acme', eventName: 'api_calls', day: '2026-11-01' }),
    confirmed: 5,
    rev: 3,
  };
  const inflight = {
    ...{ id: 'sc_1', delta: 2, timestamp: 1, customer: 'cus_1', firstAttemptAt: 1, markAt: 1, by: 'run' },
    ...{ uncertain: true, absentSince: null },
  };

  it.each([
    ['counted', { ...row, inflight }, { kind: 'counted' }, { confirmed: 7, inflight: null }],
    ['not_counted', { ...row, inflight }, { kind: 'not_counted' }, { confirmed: 5, inflight: null }],
    ['confirmed', row, { kind: 'confirmed', value: 9 }, { confirmed: 9 }],
    ['write_off', row, { kind: 'write_off' }, { dropped: 4 }],
  ] as const)('%s changes what it says, and notes it', (_name, before, correction, after) => {
    const made = planCorrection(before, 9, correction, 1);
    expect(made.after).toMatchObject({ ...after, rev: 4, flag: null, history: [{ event: 'corrected' }] });
    expect(made.changes.length).toBeGreaterThan(0);
  });

  it.each([
    [row, { kind: 'counted' }],
    [row, { kind: 'clear_flag' }],
    [
      { ...row, inflight },
      { kind: 'confirmed', value: 1 },
    ],
    [{ ...row, inflight }, { kind: 'write_off' }],
    [row, { kind: 'confirmed', value: -1 }],
  ] as const)('is refused where the row is not like that: %#', (before, correction) => {
    expect(() => planCorrection(before, 9, correction, 1)).toThrow(/the ledger row of acme/);
  });
});
