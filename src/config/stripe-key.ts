import { STRIPE_URL_RULES, stripeOrigin } from '../core/billing/stripe-url.ts';
import { usageError } from '../core/errors.ts';
import type { ProfileConfig } from './schema.ts';
import { readSecret } from './secret.ts';
import type { Environment } from './setting.ts';

const SECRET_KEY = /^(?:sk|rk)_(test|live)_/;
const VARIABLE = 'STRIPE_API_KEY';

type Stripe = Pick<ProfileConfig, 'stripe'>;

/**
 * The Stripe key that a profile may use, from STRIPE_API_KEY: null where none is set, and with the stand-in, which
 * ignores it. A key whose mode is not the profile's, or cannot be told, is refused; it is never repeated.
 */
export function checkStripeKey(profile: Stripe, env: Environment): string | null {
  const key = env[VARIABLE];
  if (profile.stripe === 'stand-in' || !key) return null;
  return ofMode(profile.stripe, key, VARIABLE);
}

/**
 * The key for a profile that bills for real or in test, from STRIPE_API_KEY or the file that STRIPE_API_KEY_FILE
 * names. Throws `stripe_key_missing` and `stripe_key_mismatch` (exit 2), before anything is done.
 */
export async function stripeKey(mode: 'test' | 'live', env: Environment, cwd: string): Promise<string> {
  const secret = await readSecret(env, VARIABLE, cwd);
  if (secret !== null) return ofMode(mode, secret.value, secret.origin);
  throw usageError('stripe_key_missing', `the profile says "stripe": "${mode}", and there is no key for it`, {
    hint: `${VARIABLE} holds sk_${mode}_… or rk_${mode}_…, or ${VARIABLE}_FILE names a file with it that only you may read`,
    next: `export ${VARIABLE}_FILE=<file>`,
  });
}

function ofMode(wanted: 'test' | 'live', key: string, origin: string): string {
  const mode = SECRET_KEY.exec(key)?.[1];
  if (mode === wanted) return key;
  const found = mode === undefined ? 'not a secret key of Stripe' : `a ${mode} key`;
  throw usageError(
    'stripe_key_mismatch',
    `${origin} is ${found}, and the profile says "stripe": "${wanted}"`,
    {
      hint: `the profile chooses where bills go, never the key; this one takes sk_${wanted}_… or rk_${wanted}_…`,
      next: `set ${VARIABLE} to a ${wanted} key, or choose another profile with --profile`,
    },
  );
}

/**
 * Where SAASCTL_STRIPE_URL leads a profile's requests; null where it is not set. A live key goes to Stripe and nowhere
 * else, a test key at most to this machine; the stand-in needs no key.
 */
export function stripeUrl({ stripe }: Stripe, env: Environment): string | null {
  const url = env['SAASCTL_STRIPE_URL'] || undefined;
  if (url === undefined) return null;
  const origin = stripeOrigin(stripe, url);
  if (origin !== null) return origin;
  throw usageError('bad_stripe_url', 'SAASCTL_STRIPE_URL does not fit the profile', {
    hint: STRIPE_URL_RULES[stripe],
    next: 'unset SAASCTL_STRIPE_URL',
  });
}

export interface StripeAccess {
  apiKey: string;
  /** Of a stand-in; `null`: Stripe itself. */
  url: string | null;
  mode: 'live' | 'test';
}

/** A key of Stripe's shape, for a stand-in that anybody may use. */
const NO_SECRET = 'sk_test_standin';

/** How a profile reaches Stripe; `null`: by a stand-in on its own store. Throws as the two above. */
export async function stripeKeyAndUrl(
  profile: Stripe,
  env: Environment,
  cwd: string,
): Promise<StripeAccess | null> {
  const url = stripeUrl(profile, env);
  if (profile.stripe !== 'stand-in') {
    return { apiKey: await stripeKey(profile.stripe, env, cwd), url, mode: profile.stripe };
  }
  return url === null ? null : { apiKey: NO_SECRET, url, mode: 'test' };
}
