import { resolve } from 'node:path';
import type { LedgerScope } from '../core/billing/ledger.ts';
import { metersOf } from '../core/billing/meters.ts';
import { metricsOf } from '../core/usage/metrics.ts';
import type { Config } from './load.ts';

/** The meters and prices that Stripe is to have. */
export const setupWanted = ({ project: { billing, metrics } }: Pick<Config, 'project'>) => ({
  meters: metersOf(billing.meters, metricsOf(metrics)),
  prices: billing.prices,
});

/** The ledgers of one's own sinks: their names are all that it takes, no secret and no open sink. */
export function ownLedgers(config: Config): LedgerScope[] {
  const { webhook, csv, source: stack, mode } = sinkSettings(config);
  return [
    ...(webhook === null ? [] : [{ stack, sink: 'webhook', account: webhook.name, mode }]),
    ...(csv === null ? [] : [{ stack, sink: 'csv', account: csv.name, mode }]),
  ];
}

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
