import { type Answer, type Refusal, refused } from './answer.ts';
import type { Settings } from './control.ts';

const KEY = /^(?:sk|rk)_(test|live)_\w+$/;

/** The key of a request, as Bearer or as the user name of Basic authentication. */
export function presentedKey(authorization: string | undefined): string | null {
  const [scheme = '', value = ''] = (authorization ?? '').split(' ');
  if (/^bearer$/i.test(scheme)) return value;
  if (/^basic$/i.test(scheme)) return Buffer.from(value, 'base64').toString().split(':')[0] ?? null;
  return null;
}

/** The key's mode, or Stripe's answer to a key that it does not take. */
export function admit(
  key: string | null,
  method: string,
  keys: Settings['keys'],
): { live: boolean; answer?: undefined } | { answer: Answer } {
  if (key === null || key === '') {
    return denied(
      401,
      null,
      'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.',
    );
  }
  const mode = KEY.exec(key)?.[1];
  const state = Object.hasOwn(keys, key) ? keys[key] : null;
  if (mode === undefined || state === 'revoked')
    return denied(401, null, `Invalid API Key provided: ${masked(key)}`);
  if (state === 'expired') return denied(401, 'api_key_expired', `Expired API Key provided: ${masked(key)}`);
  if (state === 'restricted' && method !== 'GET') {
    return denied(
      403,
      null,
      `The provided key '${masked(key)}' does not have the required permissions for this endpoint on account 'acct_standin'.`,
    );
  }
  return { live: mode === 'live' };
}

const masked = (key: string): string => `${key.slice(0, 8)}${'*'.repeat(8)}${key.slice(-4)}`;

const denied = (status: number, code: string | null, message: string): { answer: Answer } => ({
  answer: refused({
    status,
    type: 'invalid_request_error',
    code,
    message,
    param: null,
  } satisfies Refusal['error']),
});

/** Whether a mode is over its rate: a bucket that holds one second's worth, and at least one. Times in ms. */
export function createRate(): (perSecond: number, live: boolean, now: number) => boolean {
  const free = { test: Number.NEGATIVE_INFINITY, live: Number.NEGATIVE_INFINITY };
  return (perSecond, live, now) => {
    const mode = live ? 'live' : 'test';
    const step = 1000 / perSecond;
    const at = Math.max(free[mode], now - Math.max(step, 1000)) + step;
    // A step taken off and put on again may come out a little later.
    if (at > now + 0.001) return true;
    free[mode] = at;
    return false;
  };
}

export const OVER_RATE = refused({
  status: 429,
  type: 'invalid_request_error',
  code: 'rate_limit',
  message:
    'Request rate limit exceeded. You can learn more about rate limits here https://docs.stripe.com/rate-limits.',
  param: null,
});

export const LOCKED = refused({
  status: 409,
  type: 'invalid_request_error',
  code: 'lock_timeout',
  message:
    'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request.',
  param: null,
});

export const KEY_IN_USE = refused({
  status: 409,
  type: 'idempotency_error',
  code: 'idempotency_key_in_use',
  message: 'There is currently another in-progress request using this Idempotent Key.',
  param: null,
});
