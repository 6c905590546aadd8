// A store, a sink and a clock in memory, on which runs of the real core are interleaved step by step: every read,
// write, delivery and pause waits for its turn, and the schedule decides whose turn it is, what is lost and who dies.

import { type LedgerRow, type RowKey, rowId } from '../../../src/core/billing/ledger.ts';
import type { Clock } from '../../../src/core/billing/pace.ts';
import {
  type Billable,
  type Head,
  type LedgerStore,
  type RowWrites,
  type UsageKey,
  usageId,
} from '../../../src/core/billing/ports.ts';
import type { Delivery, Meter, Sink, UsageEvent } from '../../../src/core/billing/sink.ts';
import { dayOf } from '../../../src/core/time.ts';
import type { UsageItem } from '../../../src/core/usage/usage.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const MIDNIGHT = Date.UTC(2026, 10, 1);

/** Repeatable chance. */
export function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const CALLS: Meter = { metric: 'api_calls', eventName: 'api_calls', measure: 'sum', scale: 0 };
export const PAGES: Meter = { metric: 'pages', eventName: 'pages', measure: 'sum', scale: 0 };

/** Of a request, ms. */
const TIME_LIMIT = 10_000;

interface Receipt {
  event: UsageEvent;
  at: number;
  /** From when on the totals show it. */
  seenAt: number;
}

export interface Faults {
  /** Of requests to the sink: lost before they count, and answers lost after. */
  lost: number;
  unanswered: number;
  /** Of the ledger's writes: each way. */
  writes: number;
}

export interface World {
  now: number;
  random: () => number;
  faults: Faults;
  tenants: Billable[];
  meters: Meter[];
  rows: Map<string, LedgerRow>;
  heads: Map<string, Head>;
  usage: Map<string, UsageItem>;
  gates: Map<string, Record<string, number>>;
  receipts: Receipt[];
  /** Deliveries tried, and those that were refused as duplicates. */
  attempts: number;
  duplicates: number;
  /** Steps that wait for their turn, each of one run. */
  pending: { run: string; at: number; go: () => void }[];
}

export function newWorld(seed: number, tenants = ['acme', 'bolt'], meters = [CALLS, PAGES]): World {
  return {
    now: MIDNIGHT + 9 * HOUR,
    random: chance(seed),
    faults: { lost: 0, unanswered: 0, writes: 0 },
    tenants: tenants.map((id) => ({ id, status: 'active', stripeCustomerId: `cus_${id}` })),
    meters,
    rows: new Map(),
    heads: new Map(),
    usage: new Map(),
    gates: new Map(tenants.map((id) => [id, {}])),
    receipts: [],
    attempts: 0,
    duplicates: 0,
    pending: [],
  };
}

/** Usage as it comes in: calls on the gate, the rest recorded. */
export function use(world: World, tenantId: string, meter: Meter, amount: number, day = dayOf(world.now)) {
  if (meter.metric === 'api_calls') {
    const gate = world.gates.get(tenantId) ?? {};
    gate[day] = (gate[day] ?? 0) + amount;
    world.gates.set(tenantId, gate);
  } else record(world, tenantId, day, meter.metric, amount);
}

function record(world: World, tenantId: string, day: string, metric: string, amount: number) {
  const id = usageId({ tenantId, day, metric });
  world.usage.set(id, { day, metric, amount: (world.usage.get(id)?.amount ?? 0) + amount });
}

/** Days before yesterday go from the gate to what is recorded, as one transaction. */
export function fold(world: World, tenantId: string) {
  const gate = world.gates.get(tenantId) ?? {};
  for (const [day, amount] of Object.entries(gate)) {
    if (day >= dayOf(world.now - DAY)) continue;
    delete gate[day];
    record(world, tenantId, day, 'api_calls', amount);
  }
}

/** What the counters say, by tenant, meter and day. */
export function truth(world: World): Map<string, number> {
  const totals = new Map<string, number>();
  const add = (tenantId: string, metric: string, day: string, amount: number) => {
    const id = usageId({ tenantId, metric, day });
    totals.set(id, (totals.get(id) ?? 0) + amount);
  };
  for (const [id, { day, metric, amount }] of world.usage) add(id.split('#')[0] ?? '', metric, day, amount);
  for (const [tenantId, gate] of world.gates)
    for (const [day, amount] of Object.entries(gate)) add(tenantId, 'api_calls', day, amount);
  return totals;
}

/** What the sink has counted, by tenant, meter and day. */
export function billed(world: World): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { event } of world.receipts) {
    const { tenantId, value, timestamp } = event;
    const id = usageId({ tenantId, metric: event.meter.metric, day: dayOf(timestamp * 1000) });
    totals.set(id, (totals.get(id) ?? 0) + value);
  }
  return totals;
}

/** The same for all days together: what was carried is billed on another day than it was used. */
export const differenceInAll = (world: World) => between(inAll(billed(world)), inAll(truth(world)));

type Totals = Map<string, number>;

function inAll(totals: Totals): Totals {
  const sums: Totals = new Map();
  for (const [id, total] of totals) {
    const [tenantId, , metric] = id.split('#');
    const name = `${tenantId}#${metric}`;
    sums.set(name, (sums.get(name) ?? 0) + total);
  }
  return sums;
}

/** Billed too much and too little, summed over all days. */
export const difference = (world: World) => between(billed(world), truth(world));

function between(there: Totals, here: Totals): { over: number; under: number } {
  let [over, under] = [0, 0];
  for (const id of new Set([...there.keys(), ...here.keys()])) {
    const more = (there.get(id) ?? 0) - (here.get(id) ?? 0);
    if (more > 0) over += more;
    else under -= more;
  }
  return { over, under };
}

/** A run's turn: it goes on when the schedule says so, or never. */
const turn = (world: World, run: string, at = 0): Promise<void> =>
  new Promise((go) => world.pending.push({ run, at, go }));

export function clockOf(world: World, run: string): Clock {
  return { now: () => world.now, pause: (ms) => turn(world, run, world.now + ms) };
}

const lostWrite = () => new Error('the answer was lost');

export function storeOf(world: World, run: string): LedgerStore {
  const some = <T>(map: Map<string, T>, ids: readonly string[]): Map<string, T> =>
    new Map(ids.flatMap((id) => (map.has(id) ? [[id, map.get(id) as T]] : [])));
  const listed = (tenant: Billable) => ({
    tenant,
    head: world.heads.get(tenant.id) ?? null,
    gate: { ...world.gates.get(tenant.id) },
  });
  return {
    shards: 1,
    async *list() {
      await turn(world, run);
      yield world.tenants.map(listed);
    },
    async listed(_scope, id) {
      await turn(world, run);
      const tenant = world.tenants.find((one) => one.id === id);
      return tenant === undefined ? null : listed(tenant);
    },
    async recorded(keys: readonly UsageKey[]) {
      await turn(world, run);
      return some(world.usage, keys.map(usageId));
    },
    async gates(ids) {
      await turn(world, run);
      return new Map([...some(world.gates, ids)].map(([id, gate]) => [id, { ...gate }]));
    },
    async usage(tenantId, first, last) {
      await turn(world, run);
      const items = [...world.usage].filter(
        ([id, { day }]) => id.startsWith(`${tenantId}#`) && day >= first && day <= last,
      );
      return items.map(([, item]) => ({ ...item }));
    },
    async rows(_scope, keys: readonly RowKey[]) {
      await turn(world, run);
      return some(world.rows, keys.map(rowId));
    },
    async rowsOf(_scope, { tenantId, eventName, first, last }) {
      await turn(world, run);
      return [...world.rows.values()]
        .filter((row) => row.tenantId === tenantId && (eventName === null || row.eventName === eventName))
        .filter(({ day }) => day >= first && day <= last);
    },
    async write(_scope, groups) {
      await turn(world, run);
      const fate = world.random();
      if (fate < world.faults.writes) throw lostWrite();
      const answers = groups.map((group) => applyGroup(world, group));
      await turn(world, run);
      if (fate > 1 - world.faults.writes) throw lostWrite();
      return answers;
    },
    async keepHeads(_scope, heads) {
      await turn(world, run);
      for (const head of heads) world.heads.set(head.tenantId, head);
    },
    async correct(_scope, row) {
      world.heads.delete(row.tenantId);
      return applyGroup(world, [row]);
    },
    cursor: async () => null,
    keepCursor: async () => {},
  };
}

function applyGroup(world: World, group: RowWrites): 'applied' | 'stale' {
  if (group.some((row) => (world.rows.get(rowId(row))?.rev ?? 0) !== row.rev - 1)) return 'stale';
  for (const row of group) world.rows.set(rowId(row), row);
  return 'applied';
}

/** Stripe as the facts have it: ids are known for a day or two, totals lag by hours, requests and answers get lost. */
export function sinkOf(world: World, run: string): Sink {
  return {
    name: 'stripe',
    account: async () => 'acct_1',
    mode: 'test',
    needsCustomer: true,
    batch: 1,
    perSecond: null,
    backdateDays: 34,
    preflight: async () => [],
    async deliver([event]) {
      if (event === undefined) return [];
      const begun = world.now;
      await turn(world, run);
      // Its time limit passed while the machine slept: the request is never sent.
      if (world.now - begun > TIME_LIMIT)
        return [{ kind: 'ambiguous', reason: 'timeout', message: 'no answer' }];
      world.attempts++;
      const fate = world.random();
      if (fate < world.faults.lost) {
        await turn(world, run);
        return [{ kind: 'ambiguous', reason: 'timeout', message: 'no answer' }];
      }
      const answer = receive(world, event);
      await turn(world, run);
      if (fate > 1 - world.faults.unanswered)
        return [{ kind: 'ambiguous', reason: 'reset', message: 'connection reset' }];
      return [answer];
    },
    async total({ tenantId, meter, day }) {
      await turn(world, run);
      return world.receipts
        .filter(({ seenAt }) => seenAt <= world.now)
        .filter(({ event }) => event.tenantId === tenantId && event.meter.eventName === meter.eventName)
        .filter(({ event }) => dayOf(event.timestamp * 1000) === day)
        .reduce((sum, { event }) => sum + event.value, 0);
    },
    close: async () => {},
  };
}

function receive(world: World, event: UsageEvent): Delivery {
  const refused = (message: string): Delivery => ({ kind: 'rejected', reason: 'invalid', message });
  const age = world.now - event.timestamp * 1000;
  if (age > 35 * DAY || age < -5 * 60_000) return refused('timestamp out of range');
  if (dayOf(event.timestamp * 1000) !== event.day || event.value <= 0) return refused('not of its day');
  // Unique for at least 24 h: some are known for longer.
  const knownFor = DAY + (event.id.charCodeAt(5) % 24) * HOUR;
  if (world.receipts.some(({ event: { id }, at }) => id === event.id && world.now - at < knownFor)) {
    world.duplicates++;
    return { kind: 'delivered' };
  }
  world.receipts.push({ event, at: world.now, seenAt: world.now + world.random() * 12 * HOUR });
  return { kind: 'delivered' };
}
