import type { Measure, Metric } from '../usage/metrics.ts';
import type { Meter } from './sink.ts';

/** What the project file says of a billed metric. */
export interface MeterSetting {
  eventName?: string | undefined;
  measure?: Measure | undefined;
}

/** How a metric can be billed, the usual way first. */
export const measuresOf = ({ kind }: Metric): readonly Measure[] =>
  kind === 'counter' ? ['sum'] : ['hours', 'day_max'];

/** The billed metrics as meters, in the order of the file; metrics that nobody declared are left out. */
export function metersOf(
  settings: Readonly<Record<string, MeterSetting>>,
  metrics: Readonly<Record<string, Metric>>,
): Meter[] {
  return Object.entries(settings).flatMap(([name, { eventName = name, measure }]): Meter[] => {
    const metric = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
    if (metric === undefined) return [];
    const [usual = 'sum'] = measuresOf(metric);
    return [{ metric: name, eventName, measure: measure ?? usual, scale: metric.scale }];
  });
}
