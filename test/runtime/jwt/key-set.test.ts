import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeySet, type KeySet } from '../../../src/runtime/jwt/key-set.ts';
import { createJwtIdentity } from '../../../src/runtime/jwt/verify.ts';
import {
  AUDIENCE,
  hang,
  html,
  type Issuer,
  type IssuerKey,
  json,
  makeKey,
  signToken,
  startIssuer,
  status,
} from './issuer.ts';

let issuer: Issuer;
let clock: number;
const advance = (ms: number) => {
  clock += ms;
};
const open = (jwksUri: string | null = `${issuer.url}/keys`): KeySet =>
  createKeySet({ issuer: issuer.url, jwksUri }, () => clock);

beforeEach(async () => {
  issuer = await startIssuer();
  clock = Date.UTC(2026, 10, 22);
});
afterEach(() => issuer.close());

describe('where the keys are', () => {
  it('as the discovery document says, once', async () => {
    const keys = open(null);
    await Promise.all([keys.find('one'), keys.find('one')]);
    expect(await keys.find('one')).toMatchObject({ kind: 'found', key: { kid: 'one', kty: 'RSA' } });
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  it('at the usual place where the issuer has no such document', async () => {
    issuer.discovery = status(404);
    expect(await open(null).find('one')).toMatchObject({ kind: 'found' });
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/.well-known/jwks.json']);
  });

  it.each([
    ['of another issuer', () => json({ issuer: 'https://evil.example', jwks_uri: `${issuer.url}/keys` })],
    ['without a key set', () => json({ issuer: issuer.url })],
    ['with one over plain HTTP', () => json({ issuer: issuer.url, jwks_uri: 'http://example.com/keys' })],
    ['with one in a file', () => json({ issuer: issuer.url, jwks_uri: 'file:///etc/passwd' })],
    ['that is a list', () => json([])],
    ['that fails', () => status(500)],
    ['that is a page', () => html],
  ])('not where a document %s says', async (_, answer) => {
    issuer.discovery = answer();
    expect(await open(null).find('one')).toMatchObject({ kind: 'unavailable' });
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration']);
  });
});

describe('an issuer that cannot be asked', () => {
  it.each([
    ['fails', () => status(500)],
    [
      'redirects',
      () => (response: import('node:http').ServerResponse) =>
        void response.writeHead(302, { location: `${issuer.url}/keys` }).end(),
    ],
    ['answers with a page', () => html],
    ['answers with another object', () => json({ error: 'x' })],
    [
      'answers without end',
      () => (response: import('node:http').ServerResponse) =>
        void response.writeHead(200).end('x'.repeat(300_000)),
    ],
    [
      'breaks off',
      () => (response: import('node:http').ServerResponse) =>
        void response.writeHead(200, { 'content-length': 99 }).write('{', () => response.destroy()),
    ],
  ])('that %s makes the call unavailable, not refused', async (_, answer) => {
    issuer.answer = answer();
    expect(await open().find('one')).toMatchObject({ kind: 'unavailable' });
  });

  it('that hangs is given 1.5 s, all waiting together, and then left alone for ten', async () => {
    issuer.answer = hang;
    const keys = open();
    const waiting = await Promise.all(Array.from({ length: 20 }, () => keys.find('one')));
    const why = { kind: 'unavailable', message: expect.stringContaining('within 1500 ms') };
    expect(waiting).toEqual(Array(20).fill(why));
    await keys.find('one');
    expect(issuer.asked).toEqual(['/keys']);
  });

  it('is asked again after ten seconds, also by a clock that was set back', async () => {
    issuer.answer = status(500);
    const keys = open();
    await keys.find('one');
    issuer.answer = null;
    advance(9_999);
    expect(await keys.find('one')).toMatchObject({ kind: 'unavailable' });
    advance(-3_600_000);
    expect(await keys.find('one')).toMatchObject({ kind: 'found' });
    expect(issuer.asked).toHaveLength(2);
  });

  it('does not take from us the keys we have, for an hour', async () => {
    const keys = open();
    await keys.find('one');
    issuer.answer = status(500);
    advance(3_599_000);
    expect(await keys.find('one')).toMatchObject({ kind: 'found' });
    advance(2_000);
    expect(await keys.find('one')).toMatchObject({ kind: 'unavailable' });
    expect(await keys.find('two')).toMatchObject({ kind: 'unavailable' });
  });
});

describe('keys that change', () => {
  it('a new one is found at once, by the first token that names it', async () => {
    const keys = open();
    await keys.find('one');
    issuer.keys.push(makeKey('two'));
    advance(10_000);
    expect(await keys.find('two')).toMatchObject({ kind: 'found', key: { kid: 'two' } });
    expect(issuer.asked).toHaveLength(2);
  });

  it('a flood of unknown ids asks once in ten seconds', async () => {
    const keys = open();
    for (let second = 0; second < 60; second++) {
      await Promise.all(Array.from({ length: 100 }, (_, n) => keys.find(`flood-${second}-${n}`)));
      advance(1_000);
    }
    expect(issuer.asked).toHaveLength(6);
    expect(await keys.find('one')).toMatchObject({ kind: 'found' });
  });

  it('one that was withdrawn is not trusted for more than ten minutes', async () => {
    const keys = open();
    await keys.find('one');
    issuer.keys = [makeKey('two')];
    advance(600_000);
    expect(await keys.find('one')).toMatchObject({ kind: 'found' });
    advance(1);
    expect(await keys.find('one')).toEqual({ kind: 'unknown' });
  });

  it('one that is replaced under its own id takes over with the next set', async () => {
    const settings = {
      issuer: issuer.url,
      audience: [AUDIENCE],
      tenantClaim: 'tenant',
      scopesClaim: 'scope',
    };
    const identity = createJwtIdentity({ ...settings, jwksUri: null }, () => clock);
    const old = issuer.token();
    expect(await identity.verify(old)).toMatchObject({ kind: 'verified' });
    issuer.keys = [makeKey('one', 'RS256', 2048, 'b')];
    expect(await identity.verify(issuer.token())).toMatchObject({ reason: 'signature' });
    advance(600_001);
    expect(await identity.verify(issuer.token())).toMatchObject({ kind: 'verified' });
    expect(await identity.verify(old)).toMatchObject({ reason: 'signature' });
  });
});

describe('keys that are no use are passed over', () => {
  const jwk = (key: IssuerKey, more: object = {}) => ({
    ...key.publicKey.export({ format: 'jwk' }),
    kid: key.kid,
    ...more,
  });
  const good = makeKey('one');

  it.each<[string, () => unknown]>([
    ['for encryption', () => jwk(makeKey('bad'), { use: 'enc' })],
    ['of 1024 bits', () => jwk(makeKey('bad', 'RS256', 1024))],
    ['a shared secret', () => ({ kty: 'oct', kid: 'bad', k: 'c2VjcmV0' })],
    ['broken', () => ({ kty: 'RSA', kid: 'bad', n: '', e: 'AQAB' })],
    ['no object', () => null],
  ])('%s', async (_, bad) => {
    issuer.answer = json({ keys: [bad(), jwk(good), jwk(makeKey('x'), { kid: undefined })] });
    const keys = open();
    expect(await keys.find('bad')).toEqual({ kind: 'unknown' });
    expect(await keys.find('one')).toMatchObject({ kind: 'found' });
  });

  it('a token signed by one of them is refused', async () => {
    const weak = makeKey('weak', 'RS256', 1024);
    issuer.answer = json({ keys: [jwk(weak), jwk(good)] });
    const settings = {
      issuer: issuer.url,
      audience: [AUDIENCE],
      tenantClaim: 'tenant',
      scopesClaim: 'scope',
    };
    const identity = createJwtIdentity({ ...settings, jwksUri: null });
    expect(await identity.verify(signToken(weak, issuer.claims()))).toMatchObject({ reason: 'unknown_key' });
    expect(await identity.verify(signToken(good, issuer.claims()))).toMatchObject({ kind: 'verified' });
  });
});
