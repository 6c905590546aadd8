import { parseDecimal, rescaled } from '../decimal.ts';
import { usageError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import { dayOf } from '../time.ts';
import { decimalOf, type Metric } from './metrics.ts';

export type Metrics = Readonly<Record<string, Metric>>;

/** The counter of that name that may be recorded by hand. Throws a usage error naming what may. */
export function counterNamed(metrics: Metrics, name: string): Metric {
  const metric = metricNamed(metrics, name);
  if (name === 'api_calls') {
    throw usageError(
      'metric_counted',
      'api_calls are counted by the gate, one for each call it lets through',
      {
        hint: 'recording them as well would bill them twice',
      },
    );
  }
  if (metric.kind === 'counter') return metric;
  throw usageError('metric_is_gauge', `${name} is a level: it is claimed and released, not recorded`, {
    hint: `in a handler: claim(tenant, '${name}', n) and release(tenant, '${name}', n)`,
  });
}

/** The gauge of that name. Throws a usage error naming the gauges. */
export function gaugeNamed(metrics: Metrics, name: string): Metric {
  const metric = metricNamed(metrics, name);
  if (metric.kind === 'gauge') return metric;
  throw usageError('metric_is_counter', `${name} is a counter: it is recorded, not claimed or released`, {
    hint: `in a handler: recordUsage(tenantId, '${name}', amount)`,
  });
}

/** The metric of that name, own names only. Throws a usage error with those that are declared. */
export function metricNamed(metrics: Metrics, name: string): Metric {
  const metric = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
  if (metric !== undefined) return metric;
  const names = Object.keys(metrics);
  throw usageError('unknown_metric', `no metric ${JSON.stringify(String(name).slice(0, 80))} is declared`, {
    hint: `${didYouMean(String(name), names)}the metrics are ${names.join(', ')}; saasctl.json declares more under "metrics"`,
  });
}

/** An amount in the metric's units, as an integer of 10^-scale units. Never rounds: what does not fit is refused. */
export function amountOf({ name, unit, scale }: Metric, value: number | string): number {
  const decimal = parseDecimal(String(value));
  const smallest = decimalOf(1, scale);
  const refuse = (why: string) =>
    usageError('bad_amount', `${name}: ${JSON.stringify(String(value).slice(0, 60))} ${why}`, {
      hint: `an amount is a number of ${unit} from 0, in steps of ${smallest}, at most ${decimalOf(Number.MAX_SAFE_INTEGER, scale)}`,
    });
  if (decimal === null) throw refuse('is not a number');
  if (decimal.units < 0n) throw refuse('is negative: usage is only ever added');
  const amount = rescaled(decimal, scale);
  if (amount === null) throw refuse(`is finer than ${smallest} ${unit}`);
  if (amount > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse('is more than can be counted exactly');
  return Number(amount);
}

/**
 * How far back usage may be recorded: a day short of what a sync still sends, since what a function records of a day
 * past is found when the tenant's rows are next looked through, which is once a day.
 */
export const LATE_DAYS = 33;

/** The UTC day to count on, today unless given. `now`: epoch ms. */
export function usageDay(day: string | undefined, now: number): string {
  const today = dayOf(now);
  if (day === undefined) return today;
  const first = dayOf(now - LATE_DAYS * 86_400_000);
  const at = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (!Number.isNaN(at) && dayOf(at) === day && day >= first && day <= today) return day;
  throw usageError(
    'bad_day',
    `${JSON.stringify(String(day).slice(0, 40))} is not a day that usage can be recorded on`,
    {
      hint: `a day is yyyy-mm-dd in UTC, from ${first} to ${today}`,
    },
  );
}
