import { usageError } from '../core/errors.ts';
import type { ProfileConfig } from './schema.ts';
import type { Environment } from './setting.ts';

const SECRET_KEY = /^(?:sk|rk)_(test|live)_/;

/**
 * The Stripe key that a profile may use, from STRIPE_API_KEY: null where none is set, and with the stand-in, which
 * ignores it. A key whose mode is not the profile's, or cannot be told, is refused; it is never repeated.
 */
export function checkStripeKey({ stripe }: Pick<ProfileConfig, 'stripe'>, env: Environment): string | null {
  const key = env['STRIPE_API_KEY'];
  if (stripe === 'stand-in' || !key) return null;
  const mode = SECRET_KEY.exec(key)?.[1];
  if (mode === stripe) return key;
  const found = mode === undefined ? 'not a secret key of Stripe' : `a ${mode} key`;
  throw usageError(
    'stripe_key_mismatch',
    `STRIPE_API_KEY is ${found}, and the profile says "stripe": "${stripe}"`,
    {
      hint: `the profile chooses where bills go, never the key; this one takes sk_${stripe}_… or rk_${stripe}_…`,
      next: `set STRIPE_API_KEY to a ${stripe} key, or choose another profile with --profile`,
    },
  );
}
