import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Secrets } from '../../../src/runtime/secrets.ts';
import { openSecrets } from '../../../src/runtime/secrets.ts';
import { cursorSecretFrom } from '../../../src/runtime/tenant-data/cursor-secret.ts';
import { type FakeAws, startFakeAws } from '../fake-aws.ts';

const NAME = '/saasctl/shop/cursor-secret';
let aws: FakeAws;
const logged: { event: string }[] = [];
beforeEach(async () => {
  aws = await startFakeAws();
  logged.length = 0;
});
afterEach(() => aws.close());

const none = (): Secrets => {
  throw new Error('asked for a secret by name');
};
const made = (env: Record<string, string>) =>
  cursorSecretFrom(
    env,
    (line) => logged.push(line),
    'SAASCTL_CURSOR_SECRET_PARAMETER' in env
      ? () =>
          openSecrets({
            env: { AWS_ENDPOINT_URL_SSM: aws.endpoint },
            region: 'us-east-1',
            credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
          })
      : none,
  );

it('is the one that is set', async () => {
  const secret = 'sixteen letters!';
  expect(await made({ SAASCTL_CURSOR_SECRET: secret })).toBe(secret);
  expect(logged).toEqual([]);
});

it('is the parameter that is named', async () => {
  aws.secrets.set(NAME, 'a secret of the stack');
  expect(await made({ SAASCTL_CURSOR_SECRET_PARAMETER: NAME })).toBe('a secret of the stack');
  expect(logged).toEqual([]);
});

it('that could be guessed is refused, without being told', async () => {
  aws.secrets.set(NAME, 'hunter2');
  for (const env of [{ SAASCTL_CURSOR_SECRET: 'hunter2' }, { SAASCTL_CURSOR_SECRET_PARAMETER: NAME }])
    await expect(made(env)).rejects.toMatchObject({
      code: 'bad_setting',
      message: expect.not.stringContaining('hunter2'),
    });
});

it('comes from one place', async () => {
  const both = { SAASCTL_CURSOR_SECRET: 'sixteen letters!', SAASCTL_CURSOR_SECRET_PARAMETER: NAME };
  await expect(made(both)).rejects.toMatchObject({
    code: 'bad_setting',
    message: 'SAASCTL_CURSOR_SECRET and SAASCTL_CURSOR_SECRET_PARAMETER are both set',
  });
});

it('is random where there is none, and the log says what follows', async () => {
  const one = await made({});
  expect(one).not.toBe(await made({}));
  expect(one.length).toBeGreaterThan(40);
  expect(logged[0]?.event).toBe('cursor_secret_missing');
});

it('that cannot be read is not made up', async () => {
  await expect(made({ SAASCTL_CURSOR_SECRET_PARAMETER: NAME })).rejects.toMatchObject({
    code: 'secret_missing',
  });
  expect(logged).toEqual([]);
});
