/**
 * What is measured. A counter is added to and billed by the day; a gauge is a level that goes up and down.
 * Amounts are integers of 10^-scale units everywhere inside, so that no sum is ever rounded.
 */
export interface Metric {
  name: string;
  unit: string;
  kind: 'counter' | 'gauge';
  /** Decimal places: with 3, an amount of 1500 is 1.5 units. */
  scale: number;
}

/** How a metric is billed: a counter by its sum; a gauge by level × hours, or by the highest level of a day. */
export const MEASURES = ['sum', 'hours', 'day_max'] as const;
export type Measure = (typeof MEASURES)[number];

/** The metrics that every stack has. */
export const BUILT_IN: Readonly<Record<string, Metric>> = {
  api_calls: { name: 'api_calls', unit: 'calls', kind: 'counter', scale: 0 },
  compute_seconds: { name: 'compute_seconds', unit: 'seconds', kind: 'counter', scale: 3 },
  storage_bytes: { name: 'storage_bytes', unit: 'bytes', kind: 'gauge', scale: 0 },
  users: { name: 'users', unit: 'users', kind: 'gauge', scale: 0 },
};

/** The built-in metrics and the project's own, by name. */
export function metricsOf(
  declared: Readonly<Record<string, { unit: string; kind: 'counter' | 'gauge'; scale?: number | undefined }>>,
): Record<string, Metric> {
  const own = Object.entries(declared).map(([name, { unit, kind, scale = 0 }]): [string, Metric] => [
    name,
    { name, unit, kind, scale },
  ]);
  return { ...Object.fromEntries(own), ...BUILT_IN };
}

/** An amount in units, exactly: `decimalOf(1500, 3)` is `1.5`. */
export function decimalOf(amount: number, scale: number): string {
  const digits = String(Math.abs(amount)).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? '' : digits.slice(-scale).replace(/0+$/, '');
  return `${amount < 0 ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
