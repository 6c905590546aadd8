import { describe, expect, it } from 'vitest';
import { planCorrection } from '../../../src/core/billing/correct.ts';
import { type LedgerRow, mark, newRow, plan, rowId } from '../../../src/core/billing/ledger.ts';
import { ledgerOf, type ReconcileRow, reconcile } from '../../../src/core/billing/reconcile.ts';
import { type SyncRow, syncCategory } from '../../../src/core/billing/report.ts';
import type { SyncOptions } from '../../../src/core/billing/run.ts';
import type { Delivery, Sink } from '../../../src/core/billing/sink.ts';
import type { Synced } from '../../../src/core/billing/sync.ts';
import { SaasctlError } from '../../../src/core/errors.ts';
import { dayOf } from '../../../src/core/time.ts';
import { LATE_DAYS, usageDay } from '../../../src/core/usage/amount.ts';
import { type Design, oneStep, quietRun, startRun } from './schedule.ts';
import {
  billed,
  CALLS,
  clockOf,
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

  it('samples gauges with each run where one is billed, otherwise once a tenant and day', async () => {
    const sampled = async (prepareWith: 'run' | 'sweep', dryRun = false) => {
      const world = used();
      const found: string[][] = [];
      for (const hours of [0, 1, 24]) {
        world.now += hours * HOUR;
        const ids: string[] = [];
        await run(world, { dryRun, prepareWith, prepare: async (id) => void ids.push(id) });
        found.push(ids.sort());
      }
      return found;
    };
    const all = used()
      .tenants.map(({ id }) => id)
      .sort();
    expect(await sampled('run')).toEqual([all, all, all]);
    expect(await sampled('sweep')).toEqual([all, [], all]);
    expect(await sampled('run', true)).toEqual([[], [], []]);
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

  it('sends usage recorded late for any day that it may be recorded for', async () => {
    const world = newWorld(1, ['acme']);
    await run(world);
    use(world, 'acme', PAGES, 4, usageDay(dayOf(world.now - LATE_DAYS * DAY), world.now));
    for (let hour = 0; hour < 25; hour++) {
      world.now += HOUR;
      await run(world);
    }
    expect(difference(world)).toEqual({ over: 0, under: 0 });
  });

  it('goes on from a delta that another run left behind, and sends what was used since', async () => {
    const world = used(['acme']);
    void startRun(world, 'dies');
    while (rowOf(world) === undefined) {
      oneStep(world);
      await new Promise((wake) => setImmediate(wake));
    }
    world.pending = [];
    use(world, 'acme', CALLS, 2);
    world.now += HOUR;
    const { report, category } = await run(world);
    expect([report.sent, report.units, category]).toEqual([2, { api_calls: 7 }, 'ok']);
    expect(billed(world)).toEqual(truth(world));
  });

  describe('that finds rows which another run was at, and left', () => {
    const left = (tenants: number): World => {
      const world = used(Array.from({ length: tenants }, (_, at) => `t${at}`));
      for (const { id: tenantId, stripeCustomerId: customer } of world.tenants) {
        const row = newRow({ tenantId, eventName: 'api_calls', day: dayOf(world.now) });
        const marked = mark(
          plan(row, 5, { id: `other_${tenantId}`, customer }, world.now),
          'other',
          world.now,
        );
        world.rows.set(rowId(row), { ...marked, rev: 1 });
      }
      return world;
    };

    it('settles them side by side: where answers never come, that takes as long as for one', async () => {
      const timeOf = async (tenants: number) => {
        const world = left(tenants);
        const begun = world.now;
        const hangs = async (): Promise<Delivery[]> => {
          await clockOf(world, 'hangs').pause(15_000);
          return [{ kind: 'ambiguous', reason: 'timeout', message: 'no answer' }];
        };
        const { report } = await run(world, {}, { deliver: hangs });
        expect([report.inflight, report.stopped]).toEqual([tenants, null]);
        return world.now - begun;
      };
      const one = await timeOf(1);
      expect(one).toBeGreaterThan(4 * 15_000);
      expect(await timeOf(3)).toBeLessThan(one + 5_000);
    });

    it('holds no more of them at once than of any others', async () => {
      const world = left(1_000);
      const store = storeOf(world, 'many');
      let [largest, now, most] = [0, 0, 0];
      const rows: typeof store.rows = async (scope, keys) => {
        largest = Math.max(largest, keys.length);
        most = Math.max(most, ++now);
        return store.rows(scope, keys).finally(() => now--);
      };
      const { report, category } = await run(world, { ledger: { ...store, rows } });
      expect([report.sent, category]).toEqual([1_000, 'ok']);
      expect(billed(world)).toEqual(truth(world));
      expect([largest, most]).toEqual([96, 4]);
    });

    it('settles every row of a tenant that has more of them than one chunk, once', async () => {
      const world = left(1);
      for (let at = 0; at < 12; at++) {
        const day = dayOf(world.now - at * DAY);
        use(world, 't0', PAGES, 1, day);
        const row = newRow({ tenantId: 't0', eventName: 'pages', day });
        const to = { id: `other_${day}`, customer: 'cus_t0' };
        world.rows.set(rowId(row), { ...mark(plan(row, 1, to, world.now), 'other', world.now), rev: 1 });
      }
      // Five rows to a chunk.
      const { report, rows } = await run(world, { eventsPerSecond: 1 });
      expect([report.sent, rows.length]).toEqual([13, 13]);
      expect(billed(world)).toEqual(truth(world));
      expect(world.heads.get('t0')?.open).toEqual([]);
    });
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

  it('… is flagged where no totals will ever say more, and sent again with each run', async () => {
    const world = used(['acme']);
    const [acme] = world.tenants;
    const lost: Delivery = { kind: 'ambiguous', reason: 'server_error', message: '500' };
    const refused: Delivery = { kind: 'rejected', reason: 'invalid', message: '400' };
    const sink = (answer: Delivery) => ({ ...failing(world, 'acme', answer), dedupeHours: null });
    expect((await run(world, {}, sink(lost))).category).toBe('partial');
    world.now += HOUR;
    for (let at = 0; at < 2; at++) expect((await run(world, {}, sink(refused))).category).toBe('pending');
    expect(rowOf(world, acme?.id)).toMatchObject({ inflight: { delta: 5 }, flag: { code: 'refused' } });
    expect((await run(world, {}, { dedupeHours: null })).category).toBe('ok');
    expect(rowOf(world)).toMatchObject({ confirmed: 5, inflight: null, flag: null });
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

  it('an answer lost for a day and found at the sink: one look, in a dry run too, and what was used since follows', async () => {
    const world = used(['acme']);
    const day = dayOf(world.now);
    const lose: Partial<Sink> = {
      deliver: async () => [{ kind: 'ambiguous', reason: 'timeout', message: 'no answer' }],
    };
    const [{ delta = null } = {}] = (await run(world, {}, lose)).rows;
    world.now += 24 * HOUR;
    let asked = 0;
    const total = async () => {
      asked++;
      return delta;
    };
    const dry = await run(world, { dryRun: true }, { total });
    expect([asked, dry.rows.map(({ outcome }) => outcome), dry.report.sent]).toEqual([1, ['sent'], 1]);
    use(world, 'acme', CALLS, 2, day);
    const { rows, report } = await run(world, {}, { total });
    expect(rows.map(({ outcome, delta: sent }) => [outcome, sent])).toEqual([
      ['sent', delta],
      ['sent', 2],
    ]);
    expect([asked, report.days, report.settled]).toEqual([2, 2, 0]);
  });
});

describe('usage whose invoice is final', () => {
  const late = async (finalInvoice: 'carry' | 'drop' | 'fail', daysAgo = 5) => {
    const world = newWorld(1, ['acme']);
    use(world, 'acme', PAGES, 4, dayOf(world.now - daysAgo * DAY));
    // Midnight after that day.
    const closedUntil = Date.parse(dayOf(world.now - (daysAgo - 1) * DAY)) / 1000;
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

  it('is carried once by a run that dies at any step, also to a day without usage', async () => {
    for (let steps = 0; ; steps++) {
      const world = newWorld(1, ['acme']);
      use(world, 'acme', PAGES, 4, dayOf(world.now - DAY));
      const closedUntil = Date.parse(dayOf(world.now)) / 1000;
      const periods = async () => ({ closedUntil, endedAt: null });
      let done = false;
      const dies: Design = (options) => ({ ...options, sink: { ...options.sink, periods } });
      void startRun(world, 'dies', dies).then(() => {
        done = true;
      });
      for (let at = 0; at <= steps; at++) {
        if (at > 0) oneStep(world);
        await new Promise((wake) => setImmediate(wake));
      }
      if (done) break;
      world.pending = [];
      world.now += HOUR;
      await run(world, {}, { periods });
      expect(totals(world), `after ${steps} steps`).toEqual([[dayOf(world.now), 4]]);
    }
  });

  it('is dropped, and is not owed any more', async () => {
    const { world, rows } = await late('drop');
    expect(rows).toMatchObject([{ outcome: 'dropped', delta: 4 }]);
    world.now += DAY;
    expect((await run(world)).report).toMatchObject({ sent: 0, refused: 0 });
    expect(totals(world)).toEqual([]);
  });

  it.each([
    ['carry', ['carried', 'sent'], 4],
    ['drop', ['dropped'], 0],
    ['fail', ['refused'], 0],
  ] as const)('of yesterday is seen, too: %s', async (policy, outcomes, today) => {
    const { world, rows } = await late(policy, 1);
    expect(rows.map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(totals(world)).toEqual(today === 0 ? [] : [[dayOf(world.now), today]]);
  });

  it('today’s usage of a subscription that ended today is stamped before its end; a customer is asked once', async () => {
    const world = used(['acme', 'bolt']);
    use(world, 'acme', PAGES, 3);
    const endedAt = world.now / 1000 - 3600;
    const asked: string[] = [];
    const periods = async (customer: string) => {
      asked.push(customer);
      return { closedUntil: null, endedAt: customer === 'cus_acme' ? endedAt : null };
    };
    await run(world, {}, { periods });
    const stamps = world.receipts.map(({ event }) => [event.tenantId, event.timestamp]).sort();
    expect(stamps).toEqual([
      ['acme', endedAt - 1],
      ['acme', endedAt - 1],
      ['bolt', world.now / 1000],
    ]);
    expect(asked.sort()).toEqual(['cus_acme', 'cus_bolt']);
    await run(world, {}, { periods });
    // Nothing to send: nobody is asked.
    expect(asked).toHaveLength(2);
  });

  it('usage after a subscription that ended at midnight stays on its own day', async () => {
    const world = used(['acme']);
    const endedAt = Date.parse(dayOf(world.now)) / 1000;
    const { report } = await run(world, {}, { periods: async () => ({ closedUntil: null, endedAt }) });
    expect(report).toMatchObject({ sent: 1, refused: 0 });
    expect(billed(world)).toEqual(truth(world));
  });

  it('where the sink names those whose subscription ended today, nobody else is asked', async () => {
    const world = used(['acme', 'bolt']);
    const endedAt = world.now / 1000 - 3600;
    const asked: string[] = [];
    const periods = async (customer: string) => {
      asked.push(customer);
      return { closedUntil: null, endedAt };
    };
    const since: number[] = [];
    const ended = async (from: number) => {
      since.push(from);
      return new Set(['cus_acme']);
    };
    await run(world, {}, { periods, ended });
    expect(asked).toEqual(['cus_acme']);
    expect(since).toEqual([Date.parse(`${dayOf(world.now)}T00:00:00Z`) / 1000]);
    expect(world.receipts.find(({ event }) => event.tenantId === 'acme')?.event.timestamp).toBe(endedAt - 1);
  });

  it('a customer that cannot be asked about waits; one that is refused is left to the delivery', async () => {
    const world = used(['acme']);
    const failed = (category: 'remote' | 'config') => async () => {
      throw new SaasctlError({ code: 'stripe', category, message: 'no' });
    };
    expect((await run(world, {}, { periods: failed('remote') })).report).toMatchObject({
      sent: 0,
      failed: 1,
    });
    expect((await run(world, {}, { periods: failed('config') })).report).toMatchObject({
      sent: 1,
      failed: 0,
    });
  });

  it('of a customer that is gone is refused before it is sent, and sent to the next one', async () => {
    const world = newWorld(1, ['acme', 'bolt']);
    for (const { id } of world.tenants) use(world, id, PAGES, 4, dayOf(world.now - DAY));
    const periods = async (customer: string) =>
      customer === 'cus_acme' ? null : { closedUntil: null, endedAt: null };
    const { report, category } = await run(world, {}, { periods });
    expect([report.sent, report.refused, report.failed, category]).toEqual([1, 1, 0, 'pending']);
    expect(
      world.rows.get(rowId({ tenantId: 'acme', eventName: 'pages', day: dayOf(world.now - DAY) })),
    ).toMatchObject({
      inflight: null,
      flag: { code: 'customer_gone', customer: 'cus_acme' },
    });
    expect((await run(world, {}, { periods })).category).toBe('pending');
    const [acme] = world.tenants;
    if (acme !== undefined) acme.stripeCustomerId = 'cus_new';
    expect((await run(world, {}, { periods })).category).toBe('ok');
    expect(difference(world)).toEqual({ over: 0, under: 0 });
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
    // What it flagged is seen by the next run, and by the one after it, until it is settled.
    for (let at = 0; at < 2; at++) {
      const { rows, category } = await run(world);
      expect(rows).toMatchObject([{ outcome: 'flagged', flag: 'drift' }]);
      expect(category).toBe('pending');
    }
    expect(await compare(world)).toMatchObject([{ agreement: 'equal', flag: null }]);
    expect((await run(world)).category).toBe('ok');
  });

  it('takes nothing that a run settles meanwhile for a drift', async () => {
    const world = used(['acme']);
    await run(world);
    const total = async () => {
      const row = rowOf(world) as LedgerRow;
      world.rows.set(rowId(row), { ...row, confirmed: 7, rev: row.rev + 1 });
      return 7;
    };
    expect(await compare(world, { total })).toMatchObject([{ agreement: 'pending', flag: null }]);
    expect(rowOf(world)?.flag).toBeNull();
  });

  it('shows what was never sent, and what is new since: unsent, which is no drift', async () => {
    const world = used(['acme', 'bolt', 'coda']);
    const [, bolt, coda] = world.tenants;
    if (bolt === undefined || coda === undefined) throw new Error('no tenants');
    // Not billed at all, and not yet on this day.
    bolt.stripeCustomerId = null;
    coda.billFrom = dayOf(world.now + DAY);
    expect(await compare(world)).toMatchObject([
      { tenantId: 'acme', counter: 5, confirmed: 0, there: 0, agreement: 'unsent', flag: null },
    ]);
    await run(world);
    world.now += DAY;
    use(world, 'acme', CALLS, 2, dayOf(world.now - DAY));
    const [row, ...more] = await compare(world);
    expect([row?.agreement, row?.counter, row?.there, more]).toEqual(['unsent', 7, 5, []]);
    await run(world);
    world.now += DAY;
    expect((await compare(world)).map(({ agreement }) => agreement)).toEqual(['equal']);
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

describe('a head', () => {
  const DAYS = 40;
  const heads = (world: World) => world.heads.get('acme');

  it('of a tenant with many rows knows all of them, whichever part was done last', async () => {
    const world = newWorld(1, ['acme']);
    for (let at = 0; at < DAYS; at++) use(world, 'acme', PAGES, 1, dayOf(world.now - (at % 30) * DAY));
    use(world, 'acme', CALLS, 2);
    // Five rows to a part.
    const { report } = await run(world, { eventsPerSecond: 1 });
    expect(report.sent).toBe(31);
    const today = dayOf(world.now);
    expect(heads(world)).toMatchObject({ open: [], settled: { api_calls: { [today]: 2 } } });
    expect(Object.keys(heads(world)?.settled['pages'] ?? {})).toHaveLength(4);
    expect((await run(world)).report.days).toBe(0);
  });

  it('is not passed over by the next invocation while a part of it is not done', async () => {
    const world = newWorld(1, ['aero', 'bolt', 'cone']);
    for (let at = 0; at < 12; at++) use(world, 'bolt', PAGES, 1, dayOf(world.now - at * DAY));
    const [aero, ...others] = world.tenants.map((tenant) => ({ tenant, head: null, gate: {} }));
    async function* list() {
      yield aero === undefined ? [] : [aero];
      yield others;
    }
    // One row to a part, and time for a few of them.
    const { report } = await run(world, {
      eventsPerSecond: 0.2,
      deadline: world.now + 20_000,
      ledger: { ...storeOf(world, 'parts'), list },
    });
    expect(report).toMatchObject({ stopped: 'budget', next: { shard: 0, after: 'aero' } });
  });

  it('keeps what is open of every part', async () => {
    const world = newWorld(1, ['acme']);
    for (let at = 0; at < 12; at++) use(world, 'acme', PAGES, 1, dayOf(world.now - at * DAY));
    const answer: Delivery = { kind: 'rejected', reason: 'invalid', message: 'no' };
    await run(world, { eventsPerSecond: 1 }, failing(world, 'acme', answer));
    expect(heads(world)?.open).toHaveLength(12);
  });

  it('forgets what is open of days that nobody looks at any more', async () => {
    const world = used(['acme']);
    const answer: Delivery = { kind: 'rejected', reason: 'invalid', message: 'no' };
    await run(world, {}, failing(world, 'acme', answer));
    expect(heads(world)?.open).toEqual([`api_calls#${dayOf(world.now)}`]);
    world.now += 42 * DAY;
    await run(world);
    expect(heads(world)?.open).toEqual([]);
  });

  it('of other meters is no head: what was used of a new one is looked for', async () => {
    const world = newWorld(1, ['acme'], [CALLS]);
    use(world, 'acme', CALLS, 5);
    use(world, 'acme', PAGES, 3, dayOf(world.now - 5 * DAY));
    await run(world);
    world.meters = [CALLS, PAGES];
    expect((await run(world)).report.units).toEqual({ pages: 3 });
    expect((await run(world, { meters: [PAGES] })).report.days).toBe(0);
  });
});

describe('a correction', () => {
  const NOON = Date.UTC(2026, 10, 1, 12);
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
    const made = planCorrection(before, 9, correction, 105_001, 'stripe');
    expect(made.after).toMatchObject({ ...after, rev: 4, flag: null, history: [{ event: 'corrected' }] });
    expect(made.changes.length).toBeGreaterThan(0);
  });

  it('of a delta that a run is sending is refused, until its answer must have come', () => {
    const sending = { ...row, inflight: { ...inflight, markAt: NOON } };
    for (const kind of ['counted', 'not_counted'] as const) {
      expect(() => planCorrection(sending, 9, { kind }, NOON + 104_999, 'stripe')).toThrow(
        '2026-11-01T12:01:45.000Z',
      );
      expect(planCorrection(sending, 9, { kind }, NOON + 105_000, 'stripe').after.inflight).toBeNull();
    }
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
    expect(() => planCorrection(before, 9, correction, 105_001, 'stripe')).toThrow(/the ledger row of acme/);
  });
});
