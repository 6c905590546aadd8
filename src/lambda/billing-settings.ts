import { type FinalInvoice, POLICIES } from '../core/billing/decide.ts';
import type { Meter } from '../core/billing/sink.ts';
import { STRIPE_URL_RULES, stripeOrigin } from '../core/billing/stripe-url.ts';
import { SaasctlError } from '../core/errors.ts';
import { MEASURES } from '../core/usage/metrics.ts';
import type { Environment } from '../runtime/settings.ts';

/** What the scheduled sync is told by its environment. */
export interface BillingSettings {
  stack: string;
  region: string;
  /** Where DynamoDB answers; `null`: AWS. */
  endpoint: string | null;
  mode: 'live' | 'test';
  /** Of a stand-in for Stripe; `null`: Stripe. */
  stripeUrl: string | null;
  meters: Meter[];
  finalInvoice: FinalInvoice;
  eventsPerSecond: number | null;
}

const MODES = ['live', 'test'] as const;

/**
 * `SAASCTL_STACK`, `AWS_REGION`, and `SAASCTL_BILLING`: JSON of `{mode, meters, finalInvoice?, eventsPerSecond?}` with
 * meters as `{metric, eventName, measure, scale}`. Throws a configuration error that names the variable.
 */
export function billingSettings(env: Environment): BillingSettings {
  const { mode, meters, finalInvoice = 'carry', eventsPerSecond = null } = billing(env);
  const wanted = MODES.find((known) => known === mode);
  if (wanted === undefined) throw refused('SAASCTL_BILLING', '`mode` is live or test');
  const policy = POLICIES.find((known) => known === finalInvoice);
  if (policy === undefined)
    throw refused('SAASCTL_BILLING', `\`finalInvoice\` is one of ${POLICIES.join(', ')}`);
  if (eventsPerSecond !== null && !(Number(eventsPerSecond) > 0))
    throw refused('SAASCTL_BILLING', '`eventsPerSecond` is a number above 0');
  if (!Array.isArray(meters) || meters.length === 0 || !meters.every(isMeter))
    throw refused('SAASCTL_BILLING', '`meters` is a list of {metric, eventName, measure, scale}');
  const url = env['SAASCTL_STRIPE_URL'] || null;
  const stripeUrl = url === null ? null : stripeOrigin(wanted, url);
  if (url !== null && stripeUrl === null) throw refused('SAASCTL_STRIPE_URL', STRIPE_URL_RULES[wanted]);
  return {
    stack: required(env, 'SAASCTL_STACK'),
    region: required(env, 'AWS_REGION'),
    endpoint: env['AWS_ENDPOINT_URL_DYNAMODB'] || env['AWS_ENDPOINT_URL'] || null,
    mode: wanted,
    stripeUrl,
    meters,
    finalInvoice: policy,
    eventsPerSecond: eventsPerSecond === null ? null : Number(eventsPerSecond),
  };
}

/** The key from the environment, if it is of the mode that is billed in. It is never repeated. */
export async function stripeKeyFrom(env: Environment, mode: 'live' | 'test'): Promise<string> {
  const key = required(env, 'STRIPE_API_KEY');
  if (new RegExp(`^(sk|rk)_${mode}_`).test(key)) return key;
  throw refused('STRIPE_API_KEY', `it is not a secret key of mode ${mode}, which SAASCTL_BILLING says`);
}

function billing(env: Environment): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(required(env, 'SAASCTL_BILLING'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SaasctlError) throw error;
  }
  throw refused('SAASCTL_BILLING', 'it is a JSON object');
}

function isMeter(value: unknown): value is Meter {
  const { metric, eventName, measure, scale } = (value ?? {}) as Partial<Meter>;
  return (
    typeof metric === 'string' &&
    typeof eventName === 'string' &&
    MEASURES.some((known) => known === measure) &&
    Number.isInteger(scale)
  );
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value) return value;
  throw refused(name, 'it is not set, and the function cannot run without it');
}

const refused = (name: string, hint: string): SaasctlError =>
  new SaasctlError({
    code: 'bad_setting',
    category: 'config',
    message: `${name} cannot be used`,
    hint,
    next: 'set it in the function’s environment; saasctl deploy does',
  });
