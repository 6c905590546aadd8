import type { GateItem } from '../gate/layout.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { Metrics } from './amount.ts';
import type { Gauge } from './gauge.ts';
import { BUILT_IN, decimalOf } from './metrics.ts';

/** One folded amount: what a metric counted on a UTC day. Of a gauge: its level × hours, and its highest level. */
export interface UsageItem {
  day: string;
  metric: string;
  amount: number;
  max?: number;
  /** Of a gauge: the hours of the day that are counted, 24 when it is over. */
  through?: number;
}

const GATE_DAY = /^(\d{4}-\d\d-\d\d)(\.c)?$/;

/** What is still on the gate of the days that begin with `prefix`: `<day>` are calls, `<day>.c` compute time. */
export function gateDays(gate: Pick<GateItem, 'u'> | null, prefix: string): UsageItem[] {
  return Object.entries(gate?.u ?? {}).flatMap(([name, amount]) => {
    const [, day, compute] = GATE_DAY.exec(name) ?? [];
    if (day === undefined || !day.startsWith(prefix)) return [];
    return [{ day, metric: compute === undefined ? 'api_calls' : 'compute_seconds', amount }];
  });
}

/** An amount in the metric's units. */
export const inUnits = (metrics: Metrics, metric: string, amount: number): number =>
  Number(decimalOf(amount, metrics[metric]?.scale ?? 0));

/** The sum of a metric's amounts, as integer of 10^-scale units. */
export const sumOf = (items: readonly UsageItem[], metric: string): number =>
  Number(items.reduce((sum, one) => (one.metric === metric ? sum + BigInt(one.amount) : sum), 0n));

const percentOf = (used: number, limit: number): number =>
  limit === 0 ? (used > 0 ? 100 : 0) : Math.round((used / limit) * 1000) / 10;

/**
 * A month of usage as JSON shows it, in units. Levels are those of now, `null` until something has been claimed;
 * hours are level × hours, `null` until something has been sampled.
 */
export function usageView(
  tenant: Tenant,
  month: string,
  folded: readonly UsageItem[],
  gate: GateItem | null,
  gauges: readonly Gauge[] = [],
  metrics: Metrics = BUILT_IN,
) {
  const limit = tenant.limits.apiCallsPerMonth;
  const items = [...folded, ...gateDays(gate, month)];
  const used = sumOf(items, 'api_calls');
  const guarded = gate?.m[month] ?? used;
  const level = (metric: string): number | null => {
    const gauge = gauges.find((one) => one.metric === metric);
    return gauge === undefined ? null : inUnits(metrics, metric, gauge.level);
  };
  const hours = (metric: string): number | null =>
    items.some((one) => one.metric === metric) ? inUnits(metrics, metric, sumOf(items, metric)) : null;
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
      storage_bytes: {
        level: level('storage_bytes'),
        limit: tenant.limits.storageBytes,
        byteHours: hours('storage_bytes'),
      },
      users: { level: level('users'), limit: tenant.limits.maxUsers },
      compute_seconds: { used: inUnits(metrics, 'compute_seconds', sumOf(items, 'compute_seconds')) },
      ...otherMetrics(items, gauges, metrics, level, hours),
    },
    days: daysOf(items, metrics),
  };
}
export type UsageView = ReturnType<typeof usageView>;

/** The project's own, and what was declared once and still has usage. */
function otherMetrics(
  items: readonly UsageItem[],
  gauges: readonly Gauge[],
  metrics: Metrics,
  level: (metric: string) => number | null,
  hours: (metric: string) => number | null,
) {
  const names = new Set([...Object.keys(metrics), ...[...items, ...gauges].map(({ metric }) => metric)]);
  for (const given of Object.keys(BUILT_IN)) names.delete(given);
  const isGauge = (name: string) =>
    metrics[name]?.kind === 'gauge' || gauges.some(({ metric }) => metric === name);
  return Object.fromEntries(
    [...names].map(
      (name): [string, { used: number } | { level: number | null; limit: null; hours: number | null }] =>
        isGauge(name)
          ? [name, { level: level(name), limit: null, hours: hours(name) }]
          : [name, { used: inUnits(metrics, name, sumOf(items, name)) }],
    ),
  );
}

/** Ascending; of a gauge, its level × hours. */
function daysOf(items: readonly UsageItem[], metrics: Metrics) {
  const days = new Map<string, Map<string, bigint>>();
  for (const { day, metric, amount } of items) {
    const sums = days.get(day) ?? new Map<string, bigint>();
    sums.set(metric, (sums.get(metric) ?? 0n) + BigInt(amount));
    days.set(day, sums);
  }
  return [...days.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([day, sums]) => ({
      day,
      metrics: Object.fromEntries(
        [...sums].map(([metric, sum]) => [metric, inUnits(metrics, metric, Number(sum))]),
      ),
    }));
}
