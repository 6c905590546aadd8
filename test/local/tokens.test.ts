// Keys and tokens through the local HTTP API: the real authorizer and withTenant, a real engine and issuer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jwtGateKey } from '../../src/core/tenants/jwt-access.ts';
import { type HttpApi, startHttpApi } from '../../src/local/http-api.ts';
import {
  gateFixture,
  keyFixture,
  putGate,
  putKey,
  STACK,
  startTestEngine,
  type TestEngine,
} from '../fixtures/gate.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../runtime/jwt/issuer.ts';
import { bundle, sandboxBundle } from './fixtures/bundles.ts';

let dir: string;
let engine: TestEngine;
let issuer: Issuer;
let key: string;
let apis: Record<'authorizer' | 'inline', HttpApi>;
const lines: string[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-tokens-'));
  [engine, issuer] = await Promise.all([startTestEngine(), startIssuer()]);
  await putGate(
    engine.wire,
    gateFixture({ k: { k1: keyFixture(), jwt: jwtGateKey({ perSecond: null, burst: 1 }) } }),
  );
  key = await putKey(engine.wire);
  const [sandbox, authorizer, handler] = await Promise.all([
    sandboxBundle(dir),
    bundle(dir, 'src/lambda/authorizer.ts'),
    bundle(dir, 'src/local/sample-handler.ts'),
  ]);
  const start = (mode: 'authorizer' | 'inline') => {
    const env = {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
      SAASCTL_STACK: STACK,
      SAASCTL_MODE: mode,
      SAASCTL_TIMEOUT_MS: '5000',
      SAASCTL_COMPUTE_SECONDS: 'off',
      SAASCTL_JWT_ISSUER: issuer.url,
      SAASCTL_JWT_AUDIENCE: AUDIENCE,
      SAASCTL_JWT_TENANT_CLAIM: 'tenant',
    };
    return startHttpApi({
      port: 0,
      sandbox,
      ...(mode === 'authorizer'
        ? { authorizer: { name: 'authorizer', file: authorizer, env }, tokens: true }
        : {}),
      handler: { name: 'handler', file: handler, env },
      log: (line) => lines.push(line),
    });
  };
  apis = { authorizer: await start('authorizer'), inline: await start('inline') };
});
afterAll(async () => {
  await Promise.all([apis.authorizer.close(), apis.inline.close(), issuer.close()]);
  await engine.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe.each(['authorizer', 'inline'] as const)('%s', (mode) => {
  const call = (headers: Record<string, string>) => fetch(`${apis[mode].url}/hello`, { headers });

  it('takes a token, whose scopes the handler learns', async () => {
    const answer = await call({ authorization: `Bearer ${issuer.token({ scope: 'read write' })}` });
    expect(answer.status).toBe(200);
    const { tenant } = (await answer.json()) as { tenant: object };
    expect(tenant).toMatchObject({ tenantId: 'acme', keyId: 'jwt', env: 'live', scopes: ['read', 'write'] });
  });

  it('takes a key as before', async () => {
    const answer = await call({ 'x-api-key': key });
    expect([answer.status, await answer.json()]).toMatchObject([200, { tenant: { keyId: 'k1' } }]);
  });

  it('answers 401 to neither, saying what would do', async () => {
    const answer = await call({});
    // An HTTP API renames what an integration says there.
    const header = mode === 'inline' ? 'x-amzn-remapped-www-authenticate' : 'www-authenticate';
    expect([answer.status, answer.headers.get(header)]).toEqual([401, 'Bearer']);
  });

  it('answers 403 to every token that is nobody’s, all alike', async () => {
    const bad = [
      issuer.token({ exp: 1 }),
      issuer.token({ tenant: 'globex' }),
      issuer.token({ aud: 'x' }),
      'a.b.c',
    ];
    const answers = await Promise.all(bad.map((each) => call({ authorization: `Bearer ${each}` })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
    expect(new Set(await Promise.all(answers.map((each) => each.text()))).size).toBe(1);
  });
});

it('a key decides where both are there, and inline both are too many', async () => {
  const headers = { 'x-api-key': 'anb_live_bad', authorization: `Bearer ${issuer.token()}` };
  const statuses = await Promise.all(
    Object.values(apis).map(async ({ url }) => (await fetch(url, { headers })).status),
  );
  expect(statuses).toEqual([403, 400]);
});

it('no token reaches the log', async () => {
  const token = issuer.token();
  await fetch(`${apis.authorizer.url}/${token}`, { headers: { authorization: `Bearer ${token}` } });
  const logged = lines.join('\n');
  expect(logged).toContain('GET /eyJ… 200');
  expect(logged).not.toContain(token.split('.')[1]);
  expect(logged).not.toContain(key);
});
