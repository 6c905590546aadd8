import { usageError } from '../errors.ts';
import type { GateItem } from '../gate/layout.ts';
import { dayOf, monthOf } from '../time.ts';
import type { Metrics } from './amount.ts';
import type { Metric } from './metrics.ts';
import { gateDays, inUnits, type UsageItem } from './usage.ts';

/** Days or months up to now, the first of them first. */
export interface Periods {
  unit: 'day' | 'month';
  names: string[];
  /** The days that they span. */
  first: string;
  last: string;
}

const DAY_MS = 86_400_000;
const MOST = { days: 400, months: 36 };

/** The last `days` or `months` (texts, as typed), this one included; 30 days unless given. `now`: epoch ms. */
export function periodsUpTo(now: number, asked: { days?: string; months?: string }): Periods {
  if (asked.days !== undefined && asked.months !== undefined) {
    throw usageError('bad_period', '--days and --months exclude each other');
  }
  const last = dayOf(now);
  if (asked.months === undefined) {
    const count = countOf('days', asked.days ?? '30');
    const names = Array.from({ length: count }, (_, i) => dayOf(now - (count - 1 - i) * DAY_MS));
    return { unit: 'day', names, first: names[0] ?? last, last };
  }
  const count = countOf('months', asked.months);
  const today = new Date(now);
  const names = Array.from({ length: count }, (_, i) =>
    monthOf(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - (count - 1 - i), 1)),
  );
  return { unit: 'month', names, first: `${names[0]}-01`, last };
}

function countOf(unit: 'days' | 'months', text: string): number {
  const count = Number(text);
  if (/^\d{1,4}$/.test(text) && count >= 1 && count <= MOST[unit]) return count;
  throw usageError('bad_period', `--${unit}: '${text}' is not a number of ${unit}`, {
    hint: `it is a whole number from 1 to ${MOST[unit]}`,
  });
}

/** A metric over time, in its units. Of a gauge: level × hours, and the highest level. */
export interface MetricHistory {
  metric: string;
  unit: string;
  kind: Metric['kind'];
  total: number;
  points: { period: string; amount: number; max: number | null }[];
}

/** One history a metric, those without usage too. `folded` spans the periods. */
export function usageHistory(
  periods: Periods,
  folded: readonly UsageItem[],
  gate: GateItem | null,
  metrics: Metrics,
): MetricHistory[] {
  const items = [...folded, ...gateDays(gate, '')];
  const names = new Set([...Object.keys(metrics), ...items.map(({ metric }) => metric)]);
  return [...names].map((metric) => {
    const mine = items.filter((one) => one.metric === metric);
    const { unit = '', kind = 'counter' } = metrics[metric] ?? {};
    const sums = periods.names.map((period) => ({
      period,
      ...sumUp(mine.filter(({ day }) => day.startsWith(period))),
    }));
    return {
      metric,
      unit,
      kind,
      total: inUnits(metrics, metric, Number(sums.reduce((sum, { amount }) => sum + amount, 0n))),
      points: sums.map(({ period, amount, max }) => ({
        period,
        amount: inUnits(metrics, metric, Number(amount)),
        max: max === null ? null : inUnits(metrics, metric, max),
      })),
    };
  });
}

function sumUp(items: readonly UsageItem[]): { amount: bigint; max: number | null } {
  const highs = items.flatMap(({ max }) => (max === undefined ? [] : [max]));
  return {
    amount: items.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
    max: highs.length === 0 ? null : Math.max(...highs),
  };
}
