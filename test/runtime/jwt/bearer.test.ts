import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/core/gate/layout.ts';
import { jwtGateKey } from '../../../src/core/tenants/jwt-access.ts';
import { authorize } from '../../../src/lambda/authorize.ts';
import { type Bearer, bearerFrom } from '../../../src/runtime/jwt/bearer.ts';
import type { Gate } from '../../../src/runtime/outcome.ts';
import { withTenant } from '../../../src/runtime/with-tenant.ts';
import { gateFixture, keyFixture, putGate, putKey, readGate } from '../../fixtures/gate.ts';
import { gateOver } from '../gate-over.ts';
import { memoryWire } from '../memory-dynamo.ts';
import { AUDIENCE, type Issuer, json, startIssuer, status } from './issuer.ts';

let issuer: Issuer;
let env: Record<string, string>;
let gate: Gate;
let wire: ReturnType<typeof memoryWire>['wire'];
let bearer: Bearer;
let key: string;
let lines: { event: string; [detail: string]: unknown }[];

beforeAll(async () => {
  issuer = await startIssuer();
  env = {
    SAASCTL_JWT_ISSUER: issuer.url,
    SAASCTL_JWT_AUDIENCE: AUDIENCE,
    SAASCTL_JWT_TENANT_CLAIM: 'tenant',
  };
});
afterAll(() => issuer.close());
beforeEach(async () => {
  ({ wire } = memoryWire());
  ({ gate } = gateOver(wire));
  lines = [];
  issuer.answer = null;
  bearer = bearerFrom(env, gate, (line) => lines.push(line)) as Bearer;
  const k = { k1: keyFixture(), jwt: jwtGateKey({ perSecond: 1, burst: 2 }) };
  await putGate(wire, gateFixture({ k }));
  key = await putKey(wire);
});

const token = (more?: object) => issuer.token(more);

describe('the bearer of a token', () => {
  it('passes the same gate as a key, with the scopes of the token', async () => {
    expect(await bearer.check(token({ scope: 'read write' }))).toMatchObject({
      outcome: 'allowed',
      tenant: {
        tenantId: 'acme',
        keyId: 'jwt',
        env: 'live',
        scopes: ['read', 'write'],
        usage: { apiCalls: 1 },
      },
    });
    await gate.check(key);
    const { m, u } = await readGate(wire);
    expect([Object.values(m), Object.values(u)]).toEqual([[2], [2]]);
  });

  it.each([
    ['test', 'test'],
    ['live', 'live'],
    ['test,live', 'live'],
  ])('where keys are of %s is of %s', async (envs, expected) => {
    const there = bearerFrom({ ...env, SAASCTL_KEY_ENVS: envs }, gate, () => {}) as Bearer;
    expect(await there.check(token())).toMatchObject({ tenant: { env: expected } });
  });

  it('is unavailable where the key environments are none', async () => {
    const broken = bearerFrom({ ...env, SAASCTL_KEY_ENVS: 'prod' }, gate, (line) =>
      lines.push(line),
    ) as Bearer;
    expect(await broken.check(token())).toMatchObject({ outcome: 'unavailable' });
    expect(lines).toMatchObject([{ event: 'bad_setting' }, { event: 'jwt_keys_unavailable' }]);
  });

  it('is limited by the rate of the plan and the quota of the tenant', async () => {
    for (const by of ['allowed', 'allowed', 'limited'])
      expect(await bearer.check(token())).toMatchObject({ outcome: by });
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
    await putGate(wire, gateFixture({ limit: 0, k: { jwt: jwtGateKey({ perSecond: null, burst: 1 }) } }));
    ({ gate } = gateOver(wire));
    const fresh = bearerFrom(env, gate, () => {}) as Bearer;
    expect(await fresh.check(token())).toMatchObject({ outcome: 'limited', by: 'quota' });
  });

  it('is refused where the tenant is suspended or unknown', async () => {
    await putGate(
      wire,
      gateFixture({
        status: 'suspended',
        k: { jwt: keyFixture({ perSecond: 1, burst: 1 }, { s: { jwt: NEVER } }) },
      }),
    );
    expect(await bearer.check(token())).toMatchObject({ outcome: 'refused', reason: 'suspended' });
    expect(await bearer.check(token({ tenant: 'nobody' }))).toMatchObject({
      outcome: 'refused',
      reason: 'unknown',
    });
  });

  it('is refused where the tenant has no key for tokens, and the log names the command', async () => {
    await putGate(wire, gateFixture());
    expect(await bearer.check(token())).toMatchObject({ outcome: 'refused' });
    expect(lines).toMatchObject([{ event: 'jwt_not_enabled', tenantId: 'acme' }]);
    expect(String(lines[0]?.['message'])).toContain('saasctl plan apply');
  });

  it('the key for tokens is none that can be presented', async () => {
    for (const each of ['jwt', 'anb_live_jwt', 'k.jwt', 'jwt.jwt.jwt'])
      expect(await gate.check(each)).toMatchObject({ outcome: 'refused' });
  });

  it('a refusal is logged once a minute for each reason, and never with the token', async () => {
    const bad = [token({ aud: 'x' }), token({ exp: 1 }), token({ aud: 'y' }), 'x'];
    for (const each of [...bad, ...bad]) await bearer.check(each);
    expect(lines.map(({ reason }) => reason)).toEqual(['audience', 'expired', 'malformed']);
    for (const each of bad.slice(0, 3)) expect(JSON.stringify(lines)).not.toContain(each.split('.')[2]);
  });

  it('whose issuer’s keys cannot be fetched is answered unavailable, and nothing is counted', async () => {
    issuer.answer = status(500);
    expect(await bearer.check(token())).toEqual({ outcome: 'unavailable', retryAfter: 1 });
    expect(lines).toMatchObject([{ level: 'error', event: 'jwt_keys_unavailable' }]);
    expect((await readGate(wire)).m).toEqual({});
  });
});

describe('settings', () => {
  it('none: no tokens are taken', () => {
    expect(bearerFrom({}, gate, () => {})).toBeNull();
  });

  it.each<[string, Record<string, string>]>([
    ['SAASCTL_JWT_ISSUER', { SAASCTL_JWT_ISSUER: 'http://example.com' }],
    ['SAASCTL_JWT_ISSUER', { SAASCTL_JWT_ISSUER: 'http://127.0.0.1.example.com' }],
    ['SAASCTL_JWT_ISSUER', { SAASCTL_JWT_ISSUER: 'https://user:secret@example.com' }],
    ['SAASCTL_JWT_ISSUER', { SAASCTL_JWT_ISSUER: 'example.com' }],
    ['SAASCTL_JWT_JWKS_URI', { SAASCTL_JWT_JWKS_URI: 'http://10.0.0.1/keys' }],
    ['SAASCTL_JWT_JWKS_URI', { SAASCTL_JWT_JWKS_URI: 'file:///etc/passwd' }],
    ['SAASCTL_JWT_AUDIENCE', { SAASCTL_JWT_AUDIENCE: '' }],
    ['SAASCTL_JWT_AUDIENCE', { SAASCTL_JWT_AUDIENCE: 'a,,b' }],
    ['SAASCTL_JWT_TENANT_CLAIM', { SAASCTL_JWT_TENANT_CLAIM: '' }],
  ])('a bad %s makes every call unavailable, and is named in the log: %j', async (name, more) => {
    const broken = bearerFrom({ ...env, ...more }, gate, (line) => lines.push(line)) as Bearer;
    expect(await broken.check(token())).toMatchObject({ outcome: 'unavailable' });
    expect(lines[0]).toMatchObject({ event: 'bad_setting', message: expect.stringContaining(name) });
  });
});

describe('the one function behind two authorizers', () => {
  const ask = (identitySource: string[] | undefined, headers: Record<string, string>) =>
    authorize({ identitySource, headers }, gate, bearer);
  const allowed = (keyId: string) => ({ isAuthorized: true, context: { keyId } });
  const refused = { isAuthorized: false };

  it('goes by its identity source, whatever else is there', async () => {
    const authorization = `Bearer ${token()}`;
    const both = { 'x-api-key': key, authorization };
    expect(await ask([key], both)).toMatchObject(allowed('k1'));
    expect(await ask([authorization], both)).toMatchObject(allowed('jwt'));
    expect(await ask([key], { ...both, authorization: 'Bearer x' })).toMatchObject(allowed('k1'));
    expect(await ask([authorization], { ...both, 'x-api-key': 'x' })).toMatchObject(allowed('jwt'));
  });

  it('a bad one is not made good by the other', async () => {
    const authorization = `Bearer ${token()}`;
    expect(await ask(['x'], { 'x-api-key': 'x', authorization })).toEqual(refused);
    expect(await ask(['Bearer x'], { 'x-api-key': key, authorization: 'Bearer x' })).toEqual(refused);
  });

  it('a key does not open a route of tokens, nor a token one of keys', async () => {
    expect(await ask([key], { authorization: key })).toEqual(refused);
    expect(await ask([key], { 'x-api-key': key, authorization: key })).toEqual(refused);
    const bare = token();
    expect(await ask([bare], { 'x-api-key': bare })).toEqual(refused);
    expect(await ask([`Bearer ${bare}`], { 'x-api-key': `Bearer ${bare}` })).toEqual(refused);
  });

  it('without an identity source it takes the header that is there, and not two', async () => {
    const authorization = `bearer  ${token()}`;
    expect(await ask(undefined, { 'x-api-key': key })).toMatchObject(allowed('k1'));
    expect(await ask(undefined, { Authorization: authorization })).toMatchObject(allowed('jwt'));
    expect(await ask(undefined, { 'x-api-key': key, authorization })).toEqual(refused);
    expect(await ask([key, authorization], { 'x-api-key': key, authorization })).toEqual(refused);
    expect(await ask([], {})).toEqual(refused);
  });

  it('knows no tokens where none are configured', async () => {
    const event = { headers: { authorization: `Bearer ${token()}` } };
    expect(await authorize(event, gate)).toEqual(refused);
    expect(await authorize({ headers: { 'x-api-key': key, ...event.headers } }, gate)).toMatchObject(
      allowed('k1'),
    );
  });

  it('lets an issuer that cannot be asked become a 503 further on, never a 403', async () => {
    issuer.answer = json({});
    const { isAuthorized, context } = await ask(undefined, { authorization: `Bearer ${token()}` });
    expect([isAuthorized, context?.['denied']]).toEqual([true, 'unavailable']);
  });
});

describe('inline', () => {
  const handler = () =>
    withTenant((_, tenant) => ({ statusCode: 200, body: tenant.keyId }), { mode: 'inline', gate, bearer });
  const ask = async (headers: Record<string, string>, run = handler()) =>
    (await run({ headers }, {})) as { statusCode: number; body: string; headers: Record<string, string> };

  it('takes either', async () => {
    expect(await ask({ 'x-api-key': key })).toMatchObject({ statusCode: 200, body: 'k1' });
    expect(await ask({ authorization: `Bearer ${token()}` })).toMatchObject({ statusCode: 200, body: 'jwt' });
  });

  it('answers 400 to both, since it is not for us to choose', async () => {
    const answer = await ask({ 'x-api-key': key, authorization: `Bearer ${token()}` });
    expect(answer.statusCode).toBe(400);
    expect((await readGate(wire)).m).toEqual({});
  });

  it.each([
    [{}, 401],
    [{ authorization: 'Basic dTpw' }, 401],
    [{ authorization: 'Bearer' }, 403],
    [{ authorization: 'Bearer ' }, 403],
    [{ authorization: 'Bearer x' }, 403],
    [{ authorization: 'Bearer a b' }, 403],
  ])('answers %j with %i', async (headers, expected) => {
    const answer = await ask(headers);
    expect(answer.statusCode).toBe(expected);
    expect(answer.headers['www-authenticate']).toBe(expected === 401 ? 'Bearer' : undefined);
  });

  it('answers a token of any fault with one and the same 403', async () => {
    const bad = [token({ exp: 1 }), token({ aud: 'x' }), token({ tenant: 'nobody' }), 'a.b.c'];
    const bodies = await Promise.all(
      bad.map(async (each) => (await ask({ authorization: `Bearer ${each}` })).body),
    );
    expect(new Set(bodies).size).toBe(1);
  });

  it('leaves Authorization to the customer where no tokens are taken', async () => {
    const keysOnly = withTenant(() => ({ statusCode: 200 }), { mode: 'inline', gate });
    const headers = { 'x-api-key': key, authorization: 'Bearer of the customer’s own' };
    expect(await ask(headers, keysOnly as never)).toMatchObject({ statusCode: 200 });
    const none = await ask({ authorization: `Bearer ${token()}` }, keysOnly as never);
    expect([none.statusCode, none.headers['www-authenticate']]).toEqual([401, undefined]);
  });

  it('refuses a caller who is not the tenant that the call is about', async () => {
    const about = (tenantId: string | undefined) =>
      withTenant(() => ({ statusCode: 200 }), { mode: 'inline', gate, bearer, tenantOf: () => tenantId });
    const headers = { authorization: `Bearer ${token()}` };
    expect(await ask(headers, about('acme') as never)).toMatchObject({ statusCode: 200 });
    expect(await ask({ 'x-api-key': key }, about('globex') as never)).toMatchObject({ statusCode: 403 });
    expect(await ask({ 'x-api-key': key }, about(undefined) as never)).toMatchObject({ statusCode: 403 });
  });
});
