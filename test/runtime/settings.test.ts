import { describe, expect, it } from 'vitest';
import { SaasctlError } from '../../src/core/errors.ts';
import { gateFrom } from '../../src/runtime/gate-from.ts';
import { parseSettings } from '../../src/runtime/settings.ts';

const ENV = {
  SAASCTL_STACK: 'prod',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'very-secret',
};

it('needs a stack, a region and credentials; the rest has defaults', () => {
  expect(parseSettings(ENV)).toEqual({
    stack: 'prod',
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'deny',
    endpoint: 'https://dynamodb.eu-west-1.amazonaws.com',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'very-secret', sessionToken: undefined },
    timeoutMs: 1000,
  });
});

it('takes what it is told', () => {
  const told = {
    SAASCTL_KEY_PREFIX: 'shop',
    SAASCTL_KEY_ENVS: 'test, live',
    SAASCTL_IMPORTED_KEYS: 'true',
    SAASCTL_AMBIGUOUS: 'allow',
    SAASCTL_TIMEOUT_MS: '250',
    AWS_SESSION_TOKEN: 'token',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  };
  expect(parseSettings({ ...ENV, ...told })).toMatchObject({
    prefix: 'shop',
    envs: ['live', 'test'],
    importedKeys: true,
    policy: 'allow',
    timeoutMs: 250,
    credentials: { sessionToken: 'token' },
    endpoint: 'http://127.0.0.1:1',
  });
});

it('prefers the endpoint of DynamoDB over the one of everything', () => {
  const urls = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:2' };
  expect(parseSettings({ ...ENV, ...urls }).endpoint).toBe('http://127.0.0.1:2');
});

it('asks the regions of China at the address that they have', () => {
  const { endpoint } = parseSettings({ ...ENV, AWS_REGION: 'cn-north-1' });
  expect(endpoint).toBe('https://dynamodb.cn-north-1.amazonaws.com.cn');
});

describe('a wrong setting', () => {
  it.each([
    ['SAASCTL_STACK', ''],
    ['AWS_REGION', ''],
    ['AWS_ACCESS_KEY_ID', ''],
    ['AWS_SECRET_ACCESS_KEY', ''],
    ['SAASCTL_KEY_PREFIX', 'No_Prefix'],
    ['SAASCTL_KEY_ENVS', 'live,prod'],
    ['SAASCTL_KEY_ENVS', ','],
    ['SAASCTL_IMPORTED_KEYS', 'yes'],
    ['SAASCTL_AMBIGUOUS', 'maybe'],
    ['SAASCTL_TIMEOUT_MS', '0'],
    ['SAASCTL_TIMEOUT_MS', 'soon'],
    ['AWS_ENDPOINT_URL', 'localhost:8000'],
    ['AWS_ENDPOINT_URL_DYNAMODB', 'ftp://127.0.0.1'],
  ])('%s=%s is a configuration error that names it', (name, value) => {
    const parse = () => parseSettings({ ...ENV, [name]: value });
    expect(parse).toThrow(SaasctlError);
    expect(parse).toThrow(new RegExp(`^${name} `));
  });

  it('makes every call unavailable, logged with the remedy and without the credentials', async () => {
    const lines: object[] = [];
    const gate = gateFrom({ ...ENV, SAASCTL_AMBIGUOUS: 'maybe' }, (line) => lines.push(line));
    await gate.warm();
    expect(await gate.check('anb_live_x')).toEqual({ outcome: 'unavailable', retryAfter: 1 });
    expect(lines).toEqual([
      {
        level: 'error',
        event: 'bad_setting',
        message: "SAASCTL_AMBIGUOUS is 'maybe'",
        hint: 'it is one of deny, allow',
      },
    ]);
  });
});
