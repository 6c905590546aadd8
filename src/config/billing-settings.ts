import { resolve } from 'node:path';
import { metersOf } from '../core/billing/meters.ts';
import { metricsOf } from '../core/usage/metrics.ts';
import type { Config } from './load.ts';

/** The meters and prices that Stripe is to have. */
export const setupWanted = ({ project: { billing, metrics } }: Pick<Config, 'project'>) => ({
  meters: metersOf(billing.meters, metricsOf(metrics)),
  prices: billing.prices,
});

/** What the project file says of sinks; files are beside it. */
export function sinkSettings({ project: { billing, metrics }, profile, dir }: Config) {
  const { webhook, csv } = billing;
  return {
    webhook: webhook ?? null,
    csv: csv === undefined ? null : { ...csv, file: resolve(dir, csv.file) },
    units: Object.fromEntries(Object.values(metricsOf(metrics)).map(({ name, unit }) => [name, unit])),
    source: profile.stack,
    mode: profile.stripe === 'live' ? ('live' as const) : ('test' as const),
  };
}
