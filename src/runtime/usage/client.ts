import type { Metrics } from '../../core/usage/amount.ts';
import { createIncident } from '../incident.ts';
import type { Log } from '../log.ts';
import type { Pause } from '../retry.ts';
import type { Wire } from '../wire/client.ts';
import type { UsageClient } from './calls.ts';
import { createGauges } from './gauges.ts';
import { createRecorder } from './recorder.ts';

export interface UsageOptions {
  wire: Wire;
  stack: string;
  metrics: Metrics;
  /** Days for which an event's id is remembered. */
  dedupeDays: number;
  log: Log;
  /** Epoch ms. */
  now?: () => number;
  pause?: Pause;
}

/** What a usage call works with: the options, whole. */
export interface UsageWorld extends Required<UsageOptions> {
  /** Writes of which nobody knows whether they were applied: logged once an incident. */
  incident: ReturnType<typeof createIncident>;
}

const wait: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Records usage and moves gauges over the lean wire. */
export function createUsage(options: UsageOptions): UsageClient {
  const { now = Date.now, pause = wait } = options;
  const world: UsageWorld = {
    ...options,
    now,
    pause,
    incident: createIncident(options.log, 'usage_ambiguous', now),
  };
  return { ...createRecorder(world), ...createGauges(world) };
}
