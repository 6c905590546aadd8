// Tokens that are wrong in one way each. All are refused as a bad key is.
import { createHmac } from 'node:crypto';
import { expect } from 'vitest';
import {
  type Issuer,
  type IssuerKey,
  makeKey,
  signToken,
  signWithPublicKey,
} from '../../runtime/jwt/issuer.ts';
import { type AnyAttack, call, type Target } from '../target.ts';

const present = (target: Target, token: string, more: readonly string[] = []) =>
  call(target, null, 'GET /items/secret', undefined, ['authorization', `Bearer ${token}`, ...more]);

/** One token or more, each refused; they name acme unless they forge that too, and not even acme is counted. */
const bad = (name: string, forge: (issuer: Issuer, key: IssuerKey) => string[]): AnyAttack => ({
  name: `a token ${name}`,
  needs: 'tokens',
  by: [],
  async run(target) {
    const issuer = target.issuer as Issuer;
    for (const token of forge(issuer, issuer.keys[0] as IssuerKey))
      expect((await present(target, token)).status, name).toBe(403);
  },
});

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const tokens: AnyAttack[] = [
  bad('without a signature, alg none', (issuer, key) =>
    ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
      `${encoded({ alg, typ: 'JWT', kid: key.kid })}.${encoded(issuer.claims())}.`,
      signToken(key, issuer.claims(), { alg }),
    ]),
  ),
  bad('signed by the public key, HS256', (issuer, key) => [
    signWithPublicKey(key, issuer.claims()),
    signToken(key, issuer.claims(), { alg: 'HS256' }, (input) =>
      createHmac('sha256', '').update(input).digest(),
    ),
    signToken(key, issuer.claims(), { alg: 'HS512' }),
  ]),
  bad('whose key id is a path, an address or a prototype', (issuer, key) =>
    [
      ...[
        '../../../../dev/null',
        '/etc/passwd',
        'http://127.0.0.1:9/keys',
        "' OR 1=1",
        '__proto__',
        'constructor',
      ],
      ...['', null, 0, ['one'], { kid: 'one' }],
    ].map((kid) => signToken(key, issuer.claims(), { kid })),
  ),
  bad('that brings its own key', (issuer) => {
    const mine = makeKey('mine', 'RS256', 2048, 'attacker');
    const jwk = mine.publicKey.export({ format: 'jwk' });
    return [
      signToken(mine, issuer.claims(), { jwk }),
      signToken(mine, issuer.claims(), { kid: 'one', jwk, jku: `${issuer.url}/evil`, x5u: issuer.url }),
      signToken(mine, issuer.claims(), { kid: 'one' }),
    ];
  }),
  bad('of another issuer', (issuer) =>
    [
      'https://evil.example.com',
      `${issuer.url}/`,
      `${issuer.url}.evil.example.com`,
      '',
      [issuer.url],
      null,
    ].map((iss) => issuer.token({ iss })),
  ),
  bad('for another audience', (issuer) =>
    ['https://other.example.com', '', [], ['x'], null, {}, undefined].map((aud) => issuer.token({ aud })),
  ),
  bad('that has expired, is not yet valid, or never expires', (issuer) => {
    const now = Math.floor(Date.now() / 1000);
    return [
      ...[{ exp: now - 3_600 }, { exp: 1 }, { nbf: now + 3_600 }, { exp: undefined }, { exp: '9999999999' }],
      ...[{ exp: null }, { exp: [now + 300] }],
    ].map((claims) => issuer.token(claims));
  }),
  bad('whose tenant is a list, an object or no id', (issuer) =>
    [
      ...[
        ['acme'],
        ['acme', 'globex'],
        { tenantId: 'acme' },
        { toString: 'acme' },
        null,
        undefined,
        7,
        true,
        '',
      ],
      ...[
        'ACME',
        ' acme',
        'acme ',
        'acme\u0000',
        'acme,globex',
        'acme#',
        'TENANT#acme',
        'GATE#acme',
        '__proto__',
      ],
      ...['constructor', 'acme\n', '*', '../acme'],
    ].map((tenant) => issuer.token({ tenant })),
  ),
  bad('of a tenant that is suspended, deleted or unknown', (issuer) =>
    ['idle', 'gone', 'nobody'].map((tenant) => issuer.token({ tenant })),
  ),
  bad('with claims behind a prototype', (issuer, key) => {
    const claims = JSON.stringify({ ...issuer.claims(), tenant: undefined }).replace(
      /}$/,
      ',"__proto__":{"tenant":"acme"}}',
    );
    return [signToken(key, JSON.parse(claims)), signToken(key, issuer.claims(), { crit: ['x'], x: 1 })];
  }),
  bad('spelled in another way', (issuer) => {
    const token = issuer.token();
    const [head = '', body = '', signature = ''] = token.split('.');
    const forged = encoded(issuer.claims({ tenant: 'globex' }));
    return [
      ...[`${head}.${forged}.${signature}`, `${head}.${body}`, `${head}.${body}.`, `.${body}.${signature}`],
      ...[`${token}.${signature}`, `${token}=`, `${token}A`, 'a.b.c', `${head}=.${body}.${signature}`],
    ];
  }),
  {
    name: 'a token in place of a key',
    needs: 'tokens',
    by: [],
    async run(target) {
      const token = (target.issuer as Issuer).token();
      for (const key of [token, `Bearer ${token}`])
        expect((await call(target, key, 'GET /whoami')).status).toBe(403);
      expect((await call(target, null, 'GET /whoami', undefined, ['authorization', token])).status).not.toBe(
        200,
      );
    },
  },
  {
    name: 'a key and a token of different tenants at once',
    needs: 'tokens',
    async run(target) {
      const token = (target.issuer as Issuer).token({ tenant: 'globex' });
      const both = await present(target, token, ['x-api-key', target.keys.acme]);
      if (target.mode === 'inline') expect(both.status).toBe(400);
      else expect([both.status, both.json().canary]).toEqual([200, target.canaries.acme]);
      const twice = await present(target, token, [
        'authorization',
        `Bearer ${(target.issuer as Issuer).token()}`,
      ]);
      expect([400, 403]).toContain(twice.status);
    },
  },
  {
    name: 'a good token, and another tenant’s path',
    needs: 'tokens',
    async run(target) {
      const token = (target.issuer as Issuer).token({
        scope: 'admin globex',
        tenantId: 'globex',
        tenants: ['globex'],
      });
      const answer = await present(target, token);
      expect([answer.status, answer.json().canary]).toEqual([200, target.canaries.acme]);
      for (const line of ['GET /tenants/globex/items/secret', 'GET /of/globex/secret'])
        expect((await call(target, null, line, undefined, ['authorization', `Bearer ${token}`])).status).toBe(
          403,
        );
    },
  },
];
