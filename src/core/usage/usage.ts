import type { GateItem } from '../gate/layout.ts';
import type { Tenant } from '../tenants/tenant.ts';

/** One folded amount: what a metric counted on a UTC day. Of a gauge: its level × hours, and its highest level. */
export interface UsageItem {
  day: string;
  metric: string;
  amount: number;
  max?: number;
}

const GATE_DAY = /^(\d{4}-\d\d-\d\d)(\.c)?$/;

/** What is still on the gate of the days that begin with `prefix`: `<day>` are calls, `<day>.c` compute time. */
export function gateDays(gate: GateItem | null, prefix: string): UsageItem[] {
  return Object.entries(gate?.u ?? {}).flatMap(([name, amount]) => {
    const [, day, compute] = GATE_DAY.exec(name) ?? [];
    if (day === undefined || !day.startsWith(prefix)) return [];
    return [{ day, metric: compute === undefined ? 'api_calls' : 'compute_seconds', amount }];
  });
}

/** Calls in a month: the folded days and those still on the gate. */
export function callsIn(month: string, folded: readonly UsageItem[], gate: GateItem | null): number {
  return [...folded.filter(({ metric }) => metric === 'api_calls'), ...gateDays(gate, month)].reduce(
    (sum, { amount }) => sum + amount,
    0,
  );
}

const percentOf = (used: number, limit: number): number =>
  limit === 0 ? (used > 0 ? 100 : 0) : Math.round((used / limit) * 1000) / 10;

/** A month of usage as JSON shows it. Levels are `null` until something has been claimed or sampled. */
export function usageView(
  tenant: Tenant,
  month: string,
  folded: readonly UsageItem[],
  gate: GateItem | null,
) {
  const limit = tenant.limits.apiCallsPerMonth;
  const used = callsIn(month, folded, gate);
  const guarded = gate?.m[month] ?? used;
  const days = new Map<string, Record<string, number>>();
  for (const { day, metric, amount } of [...folded, ...gateDays(gate, month)]) {
    const metrics = days.get(day) ?? {};
    metrics[metric] = (metrics[metric] ?? 0) + amount;
    days.set(day, metrics);
  }
  const counters: Record<string, { used: number }> = { compute_seconds: { used: 0 } };
  for (const { metric, amount } of folded) {
    if (metric === 'api_calls') continue;
    counters[metric] = { used: (counters[metric]?.used ?? 0) + amount };
  }
  return {
    tenantId: tenant.id,
    month,
    metrics: {
      api_calls: {
        used,
        limit,
        remaining: limit === null ? null : Math.max(0, limit - guarded),
        percent: limit === null ? null : percentOf(used, limit),
        overage: limit === null ? 0 : Math.max(0, used - limit),
      },
      storage_bytes: { level: null, limit: tenant.limits.storageBytes, byteHours: null },
      users: { level: null, limit: tenant.limits.maxUsers },
      ...counters,
    },
    days: [...days.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([day, metrics]) => ({ day, metrics })),
  };
}
export type UsageView = ReturnType<typeof usageView>;
