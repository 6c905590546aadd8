// Broken designs: the same core with its store or its sink bent, as somebody might have built it.
import { createHash, randomUUID } from 'node:crypto';
import { type LedgerRow, rowId } from '../../../src/core/billing/ledger.ts';
import type { GateDays, LedgerStore } from '../../../src/core/billing/ports.ts';
import type { Delivery, Sink } from '../../../src/core/billing/sink.ts';
import type { Design } from './schedule.ts';
import type { World } from './world.ts';

const bendStore =
  (bend: (ledger: LedgerStore, world: World) => Partial<LedgerStore>): Design =>
  (options, world) => ({ ...options, ledger: { ...options.ledger, ...bend(options.ledger, world) } });

const bendSink =
  (bend: (sink: Sink, world: World) => Partial<Sink>): Design =>
  (options, world) => ({ ...options, sink: { ...options.sink, ...bend(options.sink, world) } });

const bendAnswers = (bend: (answer: Delivery) => Delivery): Design =>
  bendSink((sink) => ({ deliver: async (events) => (await sink.deliver(events)).map(bend) }));

/** The ledger remembers what was confirmed, and nothing of what is on its way. */
const forgetful = bendStore((ledger, world) => ({
  async write(scope, groups) {
    const before = new Map(world.rows);
    const answers = await ledger.write(scope, groups);
    for (const [at, group] of groups.entries()) {
      const [row] = group;
      if (row === undefined || answers[at] !== 'applied' || row.inflight === null) continue;
      // Nothing was written yet: the row is as it was, for everybody.
      const old = before.get(rowId(row));
      if (old === undefined) world.rows.delete(rowId(row));
      else world.rows.set(rowId(row), old);
    }
    return answers;
  },
}));

/** Commits of a row that nobody marked: whatever is there is overwritten. */
const overwriting = bendStore((ledger, world) => ({
  async write(scope, groups) {
    const renumbered = groups.map((group) =>
      group.map((row): LedgerRow => ({ ...row, rev: (world.rows.get(rowId(row))?.rev ?? 0) + 1 })),
    );
    for (const [at, group] of groups.entries())
      for (const [nth, row] of group.entries()) row.rev = renumbered[at]?.[nth]?.rev ?? row.rev;
    await ledger.write(scope, renumbered);
    return groups.map(() => 'applied');
  },
}));

const both =
  (...designs: Design[]): Design =>
  (options, world) =>
    designs.reduce((made, design) => design(made, world), options);

export const BROKEN: Record<string, Design> = {
  'random id, mark after': both(
    forgetful,
    overwriting,
    bendSink((sink) => ({
      deliver: (events) => sink.deliver(events.map((event) => ({ ...event, id: randomUUID() }))),
    })),
  ),
  'id = hash(from, to)': both(
    forgetful,
    overwriting,
    bendSink((sink, world) => ({
      deliver: (events) =>
        sink.deliver(
          events.map((event) => {
            const { tenantId, meter, day, value } = event;
            const from = world.rows.get(rowId({ tenantId, eventName: meter.eventName, day }))?.confirmed ?? 0;
            const parts = [tenantId, meter.eventName, day, from, from + value];
            return { ...event, id: createHash('sha256').update(parts.join()).digest('hex') };
          }),
        ),
    })),
  ),
  'the id is trusted for ever': bendSink(() => ({ dedupeHours: null })),
  'an answer that is lost counts as a failure': bendAnswers((answer) =>
    answer.kind === 'ambiguous' ? { kind: 'rejected', reason: 'invalid', message: answer.message } : answer,
  ),
  'an answer that is lost counts as a success': bendAnswers((answer) =>
    answer.kind === 'ambiguous' ? { kind: 'delivered' } : answer,
  ),
  'the gate is read before what is recorded': bendStore((ledger) => {
    let gates: Map<string, GateDays> = new Map();
    return {
      async recorded(keys, consistent) {
        gates = await ledger.gates([...new Set(keys.map(({ tenantId }) => tenantId))]);
        return ledger.recorded(keys, consistent);
      },
      gates: async () => gates,
    };
  }),
  'the totals are believed at once': both(
    bendSink(() => ({ dedupeHours: 0.01 })),
    bendStore((ledger) => ({
      async rows(scope, keys) {
        const rows = await ledger.rows(scope, keys);
        return new Map([...rows].map(([id, row]) => [id, longAbsent(row)]));
      },
    })),
  ),
};

const longAbsent = (row: LedgerRow): LedgerRow =>
  row.inflight === null ? row : { ...row, inflight: { ...row.inflight, absentSince: 1 } };
