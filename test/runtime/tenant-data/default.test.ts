import { afterEach, expect, it, vi } from 'vitest';
import { cursorSecretFrom, tenantData } from '../../../src/runtime/tenant-data/default.ts';
import { startFaultyServer } from '../wire/faulty-server.ts';

afterEach(() => vi.unstubAllEnvs());

it('the secret of cursors is the one that is set', () => {
  const logged: unknown[] = [];
  const secret = 'sixteen letters!';
  expect(cursorSecretFrom({ SAASCTL_CURSOR_SECRET: secret }, (line) => logged.push(line))).toBe(secret);
  expect(logged).toEqual([]);
});

it('one that could be guessed is refused, without being told', () => {
  const set = () => cursorSecretFrom({ SAASCTL_CURSOR_SECRET: 'hunter2' }, () => {});
  expect(set).toThrow(
    expect.objectContaining({ code: 'bad_setting', message: expect.not.stringContaining('hunter2') }),
  );
});

it('without one it is random, and the log says what follows', () => {
  const logged: { event: string }[] = [];
  const make = () => cursorSecretFrom({}, (line) => logged.push(line));
  expect(make()).not.toBe(make());
  expect(make().length).toBeGreaterThan(40);
  expect(logged[0]?.event).toBe('cursor_secret_missing');
});

it('goes to the stack of the environment, as the function or as the tenant', async () => {
  const server = await startFaultyServer();
  const env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIAFUNCTION',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL_DYNAMODB: server.endpoint,
    SAASCTL_STACK: 'test',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const asked: string[] = [];
  const credentialsFor = async (tenantId: string) => {
    asked.push(tenantId);
    return { accessKeyId: 'ASIATENANT', secretAccessKey: 'y', sessionToken: 'of the tenant' };
  };
  await tenantData({ tenantId: 'acme' }).get('a');
  const own = tenantData({ tenantId: 'acme' }, { credentialsFor });
  await own.get('a');
  await own.get('a');
  const signers = server.headers.map(
    ({ authorization }) => /Credential=(\w+)/.exec(authorization ?? '')?.[1],
  );
  expect(signers).toEqual(['AKIAFUNCTION', 'ASIATENANT', 'ASIATENANT']);
  expect(server.headers[1]?.['x-amz-security-token']).toBe('of the tenant');
  expect(asked).toEqual(['acme']);
  await server.close();
});
