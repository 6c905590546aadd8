import { dayOf } from '../time.ts';
import { LATE_DAYS } from '../usage/amount.ts';
import type { UsageItem } from '../usage/usage.ts';
import { monthRange } from './present.ts';
import type { DriverAmounts, ListedTenant, MeteredMonth } from './types.ts';

/** The driver that a metric is; metrics of the project's own are drivers by their name. */
const DRIVER_OF: Readonly<Record<string, string>> = {
  api_calls: 'requests',
  storage_bytes: 'byte_hours',
};
/** Drivers that are no metric by that name: what a project of its own calls so is not added to them. */
const TAKEN = new Set(['requests', 'byte_hours', 'write_units']);

/** Adds usage up by month and tenant, and calls by day. `readAt`: ISO-8601. */
export function meteredMonths(months: readonly string[], readAt: string) {
  const found = new Map(
    months.map((month) => {
      const amounts = new Map<string, DriverAmounts>();
      return [month, { amounts, calls: new Map<string, bigint>() }] as const;
    }),
  );
  return {
    months: (): MeteredMonth[] =>
      [...found].map(([month, { amounts, calls }]) => ({
        month,
        readAt,
        ids: [...amounts.keys()],
        amounts: () => amounts,
        calls,
      })),
    add(tenantId: string, items: readonly UsageItem[]): void {
      for (const { day, metric, amount } of items) {
        const month = found.get(day.slice(0, 7));
        if (month === undefined || TAKEN.has(metric)) continue;
        const units = BigInt(Math.trunc(amount));
        const amounts: Record<string, bigint> = month.amounts.get(tenantId) ?? {};
        const driver = DRIVER_OF[metric] ?? metric;
        amounts[driver] = (amounts[driver] ?? 0n) + units;
        if (driver === 'requests') {
          // Writes are not metered by themselves: every call is one to the gate.
          amounts['write_units'] = amounts[driver];
          month.calls.set(day, (month.calls.get(day) ?? 0n) + units);
        }
        month.amounts.set(tenantId, amounts);
      }
    },
  };
}

const DAY_MS = 86_400_000;

/**
 * Whether usage of a month, as read at a time (ISO-8601), can never change again: nothing is recorded on a day more
 * than `LATE_DAYS` back, and a day beyond that for clocks and for what was on its way.
 */
export const isSealed = (month: string, readAt: string): boolean =>
  Date.parse(readAt) >= Date.parse(monthRange(month).to) + (LATE_DAYS + 1) * DAY_MS;

/** How long usage of a month that is not sealed holds, ms: as long as a bill of an open month. */
const HOLDS_MS = 6 * 3_600_000;
/** A small stack is read afresh every time: it takes no second, and who tries the tool sees the call just made. */
const LARGE = 500;

/** Whether what was read of a month at a time still says what is so, to the hours that a bill is old as well. */
export function stillHolds(month: string, readAt: string, tenants: number, now: number): boolean {
  const age = now - Date.parse(readAt);
  // Read by a clock that was ahead: it proves nothing of what came after.
  if (age < 0) return false;
  return isSealed(month, readAt) || (tenants >= LARGE && age <= HOLDS_MS);
}

/** The list of tenants is a moment behind, and so may clocks be. */
const SLACK_MS = 3_600_000;

/** Tenants of whom a month, as it was read, cannot say everything: made since, or with usage recorded late. */
export function changedSince({ month, readAt }: MeteredMonth, tenants: readonly ListedTenant[]): string[] {
  if (isSealed(month, readAt)) return [];
  const since = new Date(Date.parse(readAt) - SLACK_MS).toISOString();
  return tenants
    .filter(({ createdAt, lateAt }) => createdAt >= since || (lateAt !== null && lateAt >= since))
    .map(({ id }) => id);
}

/**
 * Whether a kept month is of this store: it knows no tenant that the store lacks, or that was made after it was read.
 * Usage may be recorded for days before its tenant was made.
 */
export function storeCheck(tenants: readonly ListedTenant[]): (month: MeteredMonth) => boolean {
  const born = new Map<string, string>();
  for (const { id, createdAt } of tenants) born.set(id, createdAt);
  return ({ readAt, ids }) => ids.every((id) => (born.get(id) ?? readAt) < readAt);
}

/** Said of usage that is not as of now; `null` where it is, or cannot differ. */
export function ageNote({ month, readAt }: MeteredMonth, now: number): string | null {
  if (isSealed(month, readAt) || Date.parse(readAt) >= now) return null;
  const open = dayOf(Date.parse(monthRange(month).to) + (LATE_DAYS + 1) * DAY_MS);
  return `usage of ${month} is as of ${readAt.slice(0, 16)}Z; it may still grow until ${open}, and --fresh reads it again`;
}
