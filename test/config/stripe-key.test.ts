import { describe, expect, it } from 'vitest';
import { checkStripeKey } from '../../src/config/stripe-key.ts';
import type { SaasctlError } from '../../src/core/errors.ts';

const check = (stripe: 'stand-in' | 'test' | 'live', key: string | undefined) =>
  checkStripeKey({ stripe }, { STRIPE_API_KEY: key });

describe('STRIPE_API_KEY', () => {
  it.each(['sk_live_abc', 'sk_test_abc', 'anything'])('is ignored by the stand-in: %s', (key) => {
    expect(check('stand-in', key)).toBeNull();
  });

  it.each([
    ['test', 'sk_test_abc'],
    ['test', 'rk_test_abc'],
    ['live', 'sk_live_abc'],
    ['live', 'rk_live_abc'],
  ] as const)('of the profile’s mode is taken: %s, %s', (stripe, key) => {
    expect(check(stripe, key)).toBe(key);
  });

  it.each([
    ['test', 'sk_live_secret'],
    ['test', 'rk_live_secret'],
    ['live', 'sk_test_secret'],
    ['live', 'rk_test_secret'],
    ['live', 'pk_live_secret'],
    ['test', 'hunter2hunter2'],
    ['test', ' sk_test_secret'],
  ] as const)('of another is refused without being repeated: %s, %s', (stripe, key) => {
    let thrown: SaasctlError | undefined;
    try {
      check(stripe, key);
    } catch (error) {
      thrown = error as SaasctlError;
    }
    expect(thrown).toMatchObject({ code: 'stripe_key_mismatch', exitCode: 2 });
    expect(JSON.stringify(thrown) + String(thrown?.stack)).not.toContain(key.trim());
  });

  it('missing is left to the command that needs it', () => {
    expect(check('live', undefined)).toBeNull();
    expect(check('test', '')).toBeNull();
  });
});
