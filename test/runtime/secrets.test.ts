import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namedSecret, openSecrets, type SecretName } from '../../src/runtime/secrets.ts';
import { type FakeAws, startFakeAws } from './fake-aws.ts';

const VALUE = 'sk_live_51Nothing0fThisMayShow';
const parameter: SecretName = { store: 'parameter', name: '/saasctl/shop/stripe-key' };
const secret: SecretName = { store: 'secret', name: 'shop/stripe' };

let aws: FakeAws;
const clock = { now: 1_000_000 };
beforeEach(async () => {
  aws = await startFakeAws();
  aws.secrets.set(parameter.name, `${VALUE}\n`).set(secret.name, VALUE);
});
afterEach(() => aws.close());

/** `timeoutMs`: short only where the store is to hang. */
const open = (env: Record<string, string> = { AWS_ENDPOINT_URL: aws.endpoint }, timeoutMs = 30_000) =>
  openSecrets({
    env,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIAFUNCTION', secretAccessKey: 'of the function' },
    timeoutMs,
    now: () => clock.now,
    pause: async () => {},
  });

describe.each([parameter, secret])('a secret of store $store', (named) => {
  it('is read by its name, decrypted, once whoever asks', async () => {
    const secrets = open();
    expect(await Promise.all([1, 2, 3].map(() => secrets.read(named)))).toEqual(Array(3).fill(VALUE));
    clock.now += 86_400_000;
    expect(await secrets.read(named)).toBe(VALUE);
    expect(aws.read).toEqual([named.name]);
  });

  it('is read again when it is older than the reader likes', async () => {
    const secrets = open();
    await secrets.read(named, 300_000);
    aws.secrets.set(named.name, 'rotated');
    clock.now += 299_999;
    expect(await secrets.read(named, 300_000)).toBe(VALUE);
    clock.now += 1;
    expect(await secrets.read(named, 300_000)).toBe('rotated');
    aws.secrets.set(named.name, 'rotated again');
    expect(await secrets.read(named, 0)).toBe('rotated again');
  });

  it('that was read before outlives a store that does not answer, but not one that refuses', async () => {
    const secrets = open({ AWS_ENDPOINT_URL: aws.endpoint }, 500);
    await secrets.read(named);
    aws.faults.push('throttle', 'drop', '500', 'hang');
    expect(await secrets.read(named, 0)).toBe(VALUE);
    aws.faults.push('denied');
    await expect(secrets.read(named, 0)).rejects.toMatchObject({ code: 'secret_forbidden' });
  });

  it('is asked for four times, and a failure is not kept', async () => {
    const secrets = open({ AWS_ENDPOINT_URL: aws.endpoint }, 500);
    aws.faults.push('throttle', 'drop', '500', 'hang');
    await expect(secrets.read(named)).rejects.toMatchObject({
      code: 'secret_unavailable',
      category: 'remote',
      retryable: true,
    });
    expect(await secrets.read(named)).toBe(VALUE);
  });

  it('names itself and the action where it may not be read', async () => {
    aws.faults.push('denied');
    const action = named.store === 'parameter' ? 'ssm:GetParameter' : 'secretsmanager:GetSecretValue';
    await expect(open().read(named)).rejects.toMatchObject({
      code: 'secret_forbidden',
      category: 'auth',
      message: expect.stringMatching(new RegExp(`${named.name} cannot be read: User: .* is not authorized`)),
      hint: expect.stringContaining(action),
    });
  });

  it.each([null, '', ' \n'])('that is missing or empty (%j) says what to do', async (text) => {
    if (text === null) aws.secrets.delete(named.name);
    else aws.secrets.set(named.name, text);
    await expect(open().read(named)).rejects.toMatchObject({
      code: 'secret_missing',
      category: 'config',
      message: expect.stringContaining(named.name),
      next: expect.stringContaining('saasctl deploy'),
    });
  });

  it('is asked for at the endpoint of its service', async () => {
    const variable = named.store === 'parameter' ? 'SSM' : 'SECRETS_MANAGER';
    const env = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9', [`AWS_ENDPOINT_URL_${variable}`]: aws.endpoint };
    expect(await open(env).read(named)).toBe(VALUE);
  });

  it('never has a credential in its errors', async () => {
    aws.faults.push('garbage');
    const error = await open()
      .read(named)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'secret_refused' });
    expect(`${error} ${JSON.stringify(error)}`).not.toMatch(/FQoG|of the function|sk_live/);
  });
});

it('a store that speaks no JSON is not repeated: it may have said the secret', async () => {
  aws.secrets.set(parameter.name, VALUE);
  const { createServer } = await import('node:http');
  const server = createServer((_, response) => void response.end(VALUE));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const error = await open({ AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` })
    .read(parameter)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'secret_missing' });
  expect(`${error} ${JSON.stringify(error)}`).not.toContain(VALUE);
  await new Promise((resolve) => server.close(resolve));
});

describe('the secret that an environment names', () => {
  it.each([
    [{}, null],
    [{ KEY: '', KEY_PARAMETER: '', KEY_SECRET: '' }, null],
    [{ KEY: 'v' }, { value: 'v' }],
    [{ KEY_PARAMETER: '/a' }, { store: 'parameter', name: '/a' }],
    [
      { KEY_SECRET: 'a', KEY: '' },
      { store: 'secret', name: 'a' },
    ],
  ])('%j', (env, named) => {
    expect(namedSecret(env, 'KEY')).toEqual(named);
  });

  it.each([
    { KEY: 'v', KEY_SECRET: 'a' },
    { KEY: 'v', KEY_PARAMETER: '/a' },
    { KEY_SECRET: 'a', KEY_PARAMETER: '/a' },
  ])('%j is one too many', (env) => {
    expect(() => namedSecret(env, 'KEY')).toThrow(
      expect.objectContaining({ code: 'bad_setting', message: expect.stringContaining('are both set') }),
    );
  });
});
