import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSecret } from '../../src/config/secret.ts';
import { checkStripeKey, stripeKey, stripeKeyAndUrl, stripeUrl } from '../../src/config/stripe-key.ts';
import type { SaasctlError } from '../../src/core/errors.ts';
import { directory } from './files.ts';

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

/** A folder with a secret in a file of this mode. */
function secretAt(mode: number, text = 'sk_test_inafile\n'): string {
  const dir = directory({ 'the.key': text });
  chmodSync(join(dir, 'the.key'), mode);
  return dir;
}

describe('a secret in a file', () => {
  const read = (dir: string, env: Record<string, string> = {}) =>
    readSecret({ STRIPE_API_KEY_FILE: 'the.key', ...env }, 'STRIPE_API_KEY', dir);

  it.each([0o600, 0o400])('is taken where only its owner may read it: %o', async (mode) => {
    expect(await read(secretAt(mode))).toEqual({ value: 'sk_test_inafile', origin: 'the.key' });
  });

  it.each([0o644, 0o640, 0o604, 0o620])('is refused where others may: %o', async (mode) => {
    const dir = secretAt(mode);
    await expect(read(dir)).rejects.toMatchObject({
      code: 'secret_file_unusable',
      exitCode: 2,
      next: `chmod 600 ${join(dir, 'the.key')}`,
    });
  });

  it('is refused where it is empty, missing, or there beside the variable', async () => {
    await expect(read(secretAt(0o600, '\n'))).rejects.toMatchObject({ code: 'secret_file_unusable' });
    await expect(read(directory())).rejects.toMatchObject({ code: 'secret_file_unusable' });
    await expect(read(secretAt(0o600), { STRIPE_API_KEY: 'sk_test_b' })).rejects.toMatchObject({
      code: 'secret_twice',
      exitCode: 2,
    });
  });

  it('must be of the profile’s mode, as the variable must', async () => {
    const env = { STRIPE_API_KEY_FILE: 'the.key' };
    expect(await stripeKey('test', env, secretAt(0o600))).toBe('sk_test_inafile');
    const error = await stripeKey('live', env, secretAt(0o600)).catch((thrown: SaasctlError) => thrown);
    expect(error).toMatchObject({ code: 'stripe_key_mismatch', exitCode: 2 });
    expect(JSON.stringify(error)).not.toContain('inafile');
    await expect(stripeKey('live', {}, '/')).rejects.toMatchObject({
      code: 'stripe_key_missing',
      exitCode: 2,
    });
  });
});

describe('SAASCTL_STRIPE_URL', () => {
  const at = (stripe: 'stand-in' | 'test' | 'live', url: string) => () =>
    stripeUrl({ stripe }, { SAASCTL_STRIPE_URL: url });

  it.each([
    ['stand-in', 'http://127.0.0.1:4242'],
    ['stand-in', 'https://stripe.example.com'],
    ['test', 'http://127.0.0.1:4242'],
    ['test', 'http://localhost:4242'],
    ['test', 'http://[::1]:4242'],
  ] as const)('leads a %s profile to %s', (stripe, url) => {
    expect(at(stripe, url)()).toBe(url);
  });

  it.each([
    ['live', 'http://127.0.0.1:4242'],
    ['live', 'https://api.stripe.com'],
    ['test', 'https://stripe.example.com'],
    ['test', 'http://127.0.0.1.example.com'],
    ['test', 'http://127.0.0.1@example.com'],
    ['stand-in', 'ftp://127.0.0.1'],
    ['stand-in', 'localhost'],
  ] as const)('never leads a %s profile to %s', (stripe, url) => {
    expect(at(stripe, url)).toThrow(expect.objectContaining({ code: 'bad_stripe_url', exitCode: 2 }));
  });

  it('takes no key of the user’s to a stand-in', async () => {
    const env = { STRIPE_API_KEY: 'sk_live_precious', SAASCTL_STRIPE_URL: 'http://127.0.0.1:1' };
    expect(await stripeKeyAndUrl({ stripe: 'stand-in' }, env, '/')).toEqual({
      apiKey: 'sk_test_standin',
      url: 'http://127.0.0.1:1',
      mode: 'test',
    });
    expect(await stripeKeyAndUrl({ stripe: 'stand-in' }, {}, '/')).toBeNull();
  });
});
