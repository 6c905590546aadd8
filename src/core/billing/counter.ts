import { dayOf, isoTime } from '../time.ts';
import type { UsageItem } from '../usage/usage.ts';
import { type LedgerRow, rowId, settledAt } from './ledger.ts';
import { type GateDays, type Head, type Listed, type UsageKey, usageId } from './ports.ts';
import type { Meter } from './sink.ts';

/** So long after midnight, a day may still get usage in passing; later it is late usage. */
const LATE_MS = 10 * 60_000;

const GATE_SUFFIX: Readonly<Record<string, string>> = { api_calls: '', compute_seconds: '.c' };

/** A meter's total of a day, from what is recorded and what is still on the gate. */
export function counterOf(
  { metric, measure }: Meter,
  day: string,
  item: UsageItem | undefined,
  gate: GateDays,
): number {
  if (measure === 'day_max') return item?.max ?? 0;
  const recorded = item?.amount ?? 0;
  const suffix = GATE_SUFFIX[metric];
  return measure === 'hours' || suffix === undefined ? recorded : recorded + (gate[day + suffix] ?? 0);
}

/** A row to look at closely. */
export interface Pair {
  meter: Meter;
  day: string;
}

/** Days from `first` to `last` that a run looks at. */
export interface Span {
  first: string;
  last: string;
}

/** The UTC day whose first run looks through all rows of a tenant. */
export const sweepDay = (now: number): string => dayOf(now - LATE_MS);

/** What a head keeps of a sweep at `now`: what was recorded late since then, or just before, has it made again. */
export const sweepMark = (now: number): string => isoTime(now - LATE_MS);

/** The `USAGE#` items that tell whether a tenant without a sweep has something to do. Calls are on its gate. */
export function watched(tenantId: string, meters: readonly Meter[], now: number): UsageKey[] {
  const days = [...new Set([sweepDay(now), dayOf(now)])];
  return meters
    .filter(({ metric }) => metric !== 'api_calls')
    .flatMap(({ metric }) => days.map((day) => ({ tenantId, day, metric })));
}

/** Where a tenant's gate and its recorded usage of today differ from what is settled. */
export function differing(
  { tenant, head, gate }: Listed,
  recorded: ReadonlyMap<string, UsageItem>,
  meters: readonly Meter[],
  { first, last }: Span,
  now: number,
): Pair[] {
  const current = new Set([sweepDay(now), dayOf(now)]);
  const onGate = new Set([...current, ...Object.keys(gate).map((name) => name.slice(0, 10))]);
  const pairs: Pair[] = [];
  for (const meter of meters) {
    const settled = head?.settled[meter.eventName];
    // Of what is not on the gate alone, days past are left to the sweep.
    const days = meter.metric === 'api_calls' ? onGate : current;
    for (const day of days) {
      if (day < first || day > last) continue;
      const item = recorded.get(usageId({ tenantId: tenant.id, day, metric: meter.metric }));
      const isOpen = head?.open.includes(`${meter.eventName}#${day}`) ?? false;
      if (isOpen || counterOf(meter, day, item, gate) !== (settled?.[day] ?? 0)) pairs.push({ meter, day });
    }
    for (const open of head?.open ?? []) {
      const day = open.slice(-10);
      if (open === `${meter.eventName}#${day}` && !days.has(day) && day >= first && day <= last)
        pairs.push({ meter, day });
    }
  }
  return pairs;
}

/** Every row of the span that has usage, or is owed something, and is not settled by the `rows` that were read. */
export function unsettled(
  gate: GateDays,
  items: readonly UsageItem[],
  rows: readonly LedgerRow[],
  tenantId: string,
  meters: readonly Meter[],
  { first, last }: Span,
): Pair[] {
  const byDay = new Map(items.map((item) => [`${item.metric}#${item.day}`, item]));
  const known = new Map(rows.map((row) => [rowId(row), row]));
  const pairs: Pair[] = [];
  for (const meter of meters) {
    const days = new Set([
      ...items.filter(({ metric }) => metric === meter.metric).map(({ day }) => day),
      ...Object.keys(gate).map((name) => name.slice(0, 10)),
      ...rows.filter(({ eventName }) => eventName === meter.eventName).map(({ day }) => day),
    ]);
    for (const day of days) {
      if (day < first || day > last) continue;
      const counter = counterOf(meter, day, byDay.get(`${meter.metric}#${day}`), gate);
      const row = known.get(rowId({ tenantId, eventName: meter.eventName, day }));
      const isSettled =
        row === undefined
          ? counter === 0
          : row.inflight === null && row.flag === null && settledAt(row) === counter;
      if (!isSettled) pairs.push({ meter, day });
    }
  }
  return pairs;
}

/** The counter at which a row is settled; `null`: it is not. */
export interface RowState {
  eventName: string;
  day: string;
  settled: number | null;
}

/** How far a run looked. */
export interface Swept {
  /** The mark of its sweep; `null`: there was none. */
  swept: string | null;
  /** The event names that it looked for. */
  meters: readonly string[];
  /** The first day that anybody would look at. */
  first: string;
}

/** Whether a head was swept for all of these meters. */
export const knowsMeters = (head: Head, meters: readonly string[]): boolean =>
  meters.every((eventName) => head.meters?.includes(eventName));

/** A tenant's head after a run: what is settled now, of the days that a run looks at without a sweep. */
export function nextHead(
  head: Head | null,
  tenantId: string,
  results: readonly RowState[],
  { swept, meters, first }: Swept,
  now: number,
): Head {
  const oldest = dayOf(now - 3 * 86_400_000);
  const settled: Head['settled'] = {};
  const set = (eventName: string, day: string, value: number) => {
    settled[eventName] = { ...settled[eventName], [day]: value };
  };
  for (const [eventName, days] of Object.entries(head?.settled ?? {}))
    for (const [day, value] of Object.entries(days)) if (day >= oldest) set(eventName, day, value);
  const open = new Set(head?.open ?? []);
  for (const { eventName, day, settled: value } of results) {
    if (value === null) open.add(`${eventName}#${day}`);
    else {
      open.delete(`${eventName}#${day}`);
      if (day >= oldest) set(eventName, day, value);
    }
  }
  return {
    tenantId,
    swept: swept ?? head?.swept ?? null,
    settled,
    open: [...open].filter((name) => name.slice(-10) >= first).sort(),
    meters: swept === null ? head?.meters : [...meters],
  };
}
