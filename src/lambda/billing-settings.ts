import { type FinalInvoice, POLICIES } from '../core/billing/decide.ts';
import type { Meter } from '../core/billing/sink.ts';
import { STRIPE_URL_RULES, stripeOrigin } from '../core/billing/stripe-url.ts';
import { SaasctlError } from '../core/errors.ts';
import { MEASURES } from '../core/usage/metrics.ts';
import { namedSecret, type Secrets } from '../runtime/secrets.ts';
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

/** How long a key read by its name is used before it is read again, ms: a rotation is seen within minutes. */
const KEY_AGE_MS = 300_000;

/**
 * The key that the environment names, if it is of the mode that is billed in: the parameter or the secret of
 * `STRIPE_API_KEY_PARAMETER` or `STRIPE_API_KEY_SECRET` (the key itself, or JSON with it as `STRIPE_API_KEY`), or
 * `STRIPE_API_KEY`. `anew`: read again however lately it was. It is never repeated. Throws a configuration error,
 * and what `secrets` throws.
 */
export async function stripeKeyFrom(
  env: Environment,
  mode: 'live' | 'test',
  secrets: () => Secrets,
  { anew = false } = {},
): Promise<string> {
  const named = namedSecret(env, 'STRIPE_API_KEY');
  if (named === null)
    throw refused(
      'STRIPE_API_KEY_PARAMETER',
      'it is not set, nor is STRIPE_API_KEY_SECRET: there is no key to bill with',
    );
  const [where, text] =
    'value' in named
      ? ['STRIPE_API_KEY', named.value]
      : [`the ${named.store} ${named.name}`, await secrets().read(named, anew ? 0 : KEY_AGE_MS)];
  const key = member(text, 'STRIPE_API_KEY');
  if (new RegExp(`^(sk|rk)_${mode}_`).test(key)) return key;
  throw refused(where, `it is not a secret key of mode ${mode}, which SAASCTL_BILLING says`);
}

/** The text itself, or what a JSON object in it holds by that name. */
function member(text: string, name: string): string {
  if (!text.startsWith('{')) return text;
  try {
    return String((JSON.parse(text) as Record<string, unknown>)[name] ?? '');
  } catch {
    return '';
  }
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
