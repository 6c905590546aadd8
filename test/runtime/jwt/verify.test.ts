import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JwtSettings } from '../../../src/runtime/jwt/settings.ts';
import { createJwtIdentity, type JwtIdentity } from '../../../src/runtime/jwt/verify.ts';
import {
  AUDIENCE,
  type Issuer,
  type IssuerKey,
  makeKey,
  signToken,
  signWithPublicKey,
  startIssuer,
} from './issuer.ts';

let issuer: Issuer;
let settings: JwtSettings;
let identity: JwtIdentity;
const elliptic = makeKey('curve', 'ES256');
const stranger = makeKey('one', 'RS256', 2048, 'b');
const now = () => Math.floor(Date.now() / 1000);
const first = () => issuer.keys[0] as IssuerKey;

beforeAll(async () => {
  issuer = await startIssuer();
  issuer.keys.push(elliptic);
  settings = {
    issuer: issuer.url,
    audience: [AUDIENCE, 'other'],
    tenantClaim: 'tenant',
    scopesClaim: 'scope',
    jwksUri: null,
  };
});
afterAll(() => issuer.close());
beforeEach(() => {
  identity = createJwtIdentity(settings);
});

const refused = (reason: string) => ({ kind: 'refused', reason });

describe('a good token', () => {
  it.each([
    ['RS256', () => issuer.token()],
    ['ES256', () => signToken(elliptic, issuer.claims())],
    ['an access token by RFC 9068', () => signToken(first(), issuer.claims(), { typ: 'at+jwt' })],
    ['no type', () => signToken(first(), issuer.claims(), { typ: undefined })],
    ['one of several audiences', () => issuer.token({ aud: ['nobody', 'other'] })],
    ['just expired', () => issuer.token({ exp: now() - 20 })],
    ['just not yet valid', () => issuer.token({ nbf: now() + 20 })],
  ])('%s', async (_, token) => {
    expect(await identity.verify(token())).toEqual({ kind: 'verified', tenantId: 'acme', scopes: [] });
  });

  it.each<[unknown, string[]]>([
    ['read write', ['read', 'write']],
    [' read  read ', ['read']],
    ['', []],
    [undefined, []],
  ])('the scope %j', async (scope, scopes) => {
    expect(await identity.verify(issuer.token({ scope }))).toMatchObject({ scopes });
  });

  it.each<[unknown, string[]]>([
    [
      ['read', 'write:all'],
      ['read', 'write:all'],
    ],
    [['read admin', 'ok'], ['ok']],
    [['a"b', 7, null, '', 'x'.repeat(65)], []],
    [{ read: true }, []],
    [7, []],
  ])('scopes in a claim of their own: %j', async (permissions, scopes) => {
    identity = createJwtIdentity({ ...settings, scopesClaim: 'permissions' });
    expect(await identity.verify(issuer.token({ permissions }))).toMatchObject({ kind: 'verified', scopes });
  });

  it('a claim with an odd name holds the tenant', async () => {
    identity = createJwtIdentity({ ...settings, tenantClaim: 'https://example.com/tenant' });
    const token = issuer.token({ 'https://example.com/tenant': 'globex', tenant: 'acme' });
    expect(await identity.verify(token)).toMatchObject({ tenantId: 'globex' });
  });
});

describe('refused', () => {
  it.each<[string, string, () => string]>([
    [
      'no signature',
      'algorithm',
      () => signToken(first(), issuer.claims(), { alg: 'none' }, () => Buffer.from('x')),
    ],
    ['HS256 signed with the public key', 'algorithm', () => signWithPublicKey(first(), issuer.claims())],
    ['RS512', 'algorithm', () => signToken(first(), issuer.claims(), { alg: 'RS512' })],
    ['ES256 over an RSA key', 'algorithm', () => signToken(first(), issuer.claims(), { alg: 'ES256' })],
    ['RS256 over a curve', 'algorithm', () => signToken(elliptic, issuer.claims(), { alg: 'RS256' })],
    [
      'an algorithm named as a prototype',
      'algorithm',
      () => signToken(first(), issuer.claims(), { alg: 'toString' }),
    ],
    ['another’s key under a known id', 'signature', () => signToken(stranger, issuer.claims())],
    [
      'a key of its own',
      'signature',
      () => signToken(stranger, issuer.claims(), { jwk: stranger.publicKey.export({ format: 'jwk' }) }),
    ],
    ['an unknown key', 'unknown_key', () => signToken(makeKey('two'), issuer.claims())],
    ['no key id', 'header', () => signToken(first(), issuer.claims(), { kid: undefined })],
    ['crit', 'header', () => signToken(first(), issuer.claims(), { crit: ['exp'] })],
    ['a logout token', 'header', () => signToken(first(), issuer.claims(), { typ: 'logout+jwt' })],
    ['another issuer', 'issuer', () => issuer.token({ iss: 'https://evil.example' })],
    ['no issuer', 'issuer', () => issuer.token({ iss: undefined })],
    ['the issuer with a slash', 'issuer', () => issuer.token({ iss: `${issuer.url}/` })],
    ['another audience', 'audience', () => issuer.token({ aud: 'https://elsewhere.example' })],
    ['no audience', 'audience', () => issuer.token({ aud: undefined })],
    ['an empty list of audiences', 'audience', () => issuer.token({ aud: [] })],
    ['expired', 'expired', () => issuer.token({ exp: now() - 40 })],
    ['not yet valid', 'not_yet_valid', () => issuer.token({ nbf: now() + 40 })],
    ['no expiry', 'no_expiry', () => issuer.token({ exp: undefined })],
    ['an expiry in words', 'malformed', () => issuer.token({ exp: '9999999999' })],
    [
      'a list under `scope`, which RFC 8693 makes a string',
      'malformed',
      () => issuer.token({ scope: ['a'] }),
    ],
    ['no tenant', 'tenant_claim', () => issuer.token({ tenant: undefined })],
    ['a tenant that is a number', 'tenant_claim', () => issuer.token({ tenant: 7 })],
    ['a list of tenants', 'tenant_claim', () => issuer.token({ tenant: ['acme'] })],
    ['an empty tenant', 'tenant_claim', () => issuer.token({ tenant: '' })],
    ['a tenant that is no id', 'tenant_claim', () => issuer.token({ tenant: 'acme#x' })],
    ['a tenant in capitals', 'tenant_claim', () => issuer.token({ tenant: 'ACME' })],
    ['more than 8 KB', 'malformed', () => issuer.token({ padding: 'x'.repeat(8_000) })],
    ['a part too many', 'malformed', () => `${issuer.token()}.x`],
    ['a part too few', 'malformed', () => issuer.token().split('.').slice(0, 2).join('.')],
    ['padding', 'malformed', () => `${issuer.token()}=`],
    ['nothing', 'malformed', () => ''],
    ['dots', 'malformed', () => '..'],
    ['null for a header', 'malformed', () => `bnVsbA.${issuer.token().split('.').slice(1).join('.')}`],
    ['claims that are a list', 'issuer', () => signToken(first(), [1])],
  ])('%s: %s', async (_, reason, token) => {
    expect(await identity.verify(token())).toEqual(refused(reason));
  });

  it('a claim that every object has is no tenant', async () => {
    for (const tenantClaim of ['constructor', '__proto__', 'toString']) {
      identity = createJwtIdentity({ ...settings, tenantClaim });
      expect(await identity.verify(issuer.token())).toEqual(refused('tenant_claim'));
    }
  });

  it('a signature spelt another way', async () => {
    const token = issuer.token();
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(token.at(-1) as string);
    // 256 bytes leave four bits of the last letter unused.
    const other = token.slice(0, -1) + alphabet[last ^ 1];
    expect(Buffer.from(other.split('.')[2] as string, 'base64url')).toEqual(
      Buffer.from(token.split('.')[2] as string, 'base64url'),
    );
    expect(await identity.verify(other)).toEqual(refused('malformed'));
  });

  it('a verifier that went by the header alone would take the public key for a secret', async () => {
    const token = signWithPublicKey(first(), issuer.claims());
    const [header = '', payload = '', signature] = token.split('.');
    const again = signWithPublicKey(first(), JSON.parse(Buffer.from(payload, 'base64url').toString()));
    expect(again.split('.')[2]).toBe(signature);
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'HS256' });
    expect(await identity.verify(token)).toEqual(refused('algorithm'));
  });

  it('every token whose payload was changed under its signature', async () => {
    const [header, , signature] = issuer.token().split('.');
    const payload = Buffer.from(JSON.stringify(issuer.claims({ tenant: 'globex' }))).toString('base64url');
    expect(await identity.verify(`${header}.${payload}.${signature}`)).toEqual(refused('signature'));
  });
});
