import { SaasctlError } from '../../core/errors.ts';
import type { Metrics } from '../../core/usage/amount.ts';
import { metricsOf } from '../../core/usage/metrics.ts';
import type { Environment } from '../settings.ts';

/** What a function is told of usage by its environment. */
export interface UsageSettings {
  metrics: Metrics;
  /** Days for which an event's id is remembered. */
  dedupeDays: number;
}

/** Throws a configuration error naming the variable and what it may be. */
export function parseUsageSettings(env: Environment): UsageSettings {
  const days = env['SAASCTL_DEDUPE_DAYS'] || '34';
  if (!/^[1-9]\d{0,2}$/.test(days))
    refuse('SAASCTL_DEDUPE_DAYS', days, 'it is a whole number of days from 1 to 999');
  return { metrics: metricsOf(declared(env['SAASCTL_METRICS'] || '{}')), dedupeDays: Number(days) };
}

/** Whether handlers under `withTenant` count their compute time: unless it says `off`. */
export const metersCompute = (env: Environment): boolean => env['SAASCTL_COMPUTE_SECONDS'] !== 'off';

type Declared = Parameters<typeof metricsOf>[0];

function declared(text: string): Declared {
  try {
    const metrics: unknown = JSON.parse(text);
    if (isObject(metrics) && Object.values(metrics).every(isMetric)) return metrics as Declared;
  } catch {
    // Refused below, as all that is no list of metrics.
  }
  return refuse('SAASCTL_METRICS', text.slice(0, 60), 'it is "metrics" of saasctl.json, as JSON');
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isMetric(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { unit, kind, scale = 0 } = value;
  const whole = typeof scale === 'number' && Number.isInteger(scale) && scale >= 0 && scale <= 9;
  return typeof unit === 'string' && (kind === 'counter' || kind === 'gauge') && whole;
}

function refuse(name: string, value: string, hint: string): never {
  throw new SaasctlError({
    code: 'bad_setting',
    category: 'config',
    message: `${name} is '${value}'`,
    hint,
    next: 'set it in the function’s environment; saasctl deploy does',
  });
}
