// An OIDC issuer on loopback: real HTTP, keys made here, tokens signed by hand so that they can be wrong in any way.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IssuerKey {
  kid: string;
  alg: 'RS256' | 'ES256';
  privateKey: KeyObject;
  publicKey: KeyObject;
}

const pairs = new Map<string, { privateKey: KeyObject; publicKey: KeyObject }>();

/** A key; those of one `pair` are the same but for their id, since making one takes long. */
export function makeKey(kid: string, alg: IssuerKey['alg'] = 'RS256', bits = 2048, pair = 'a'): IssuerKey {
  const made =
    pairs.get(`${alg} ${bits} ${pair}`) ??
    (alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  pairs.set(`${alg} ${bits} ${pair}`, made);
  return { kid, alg, ...made };
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token with these very contents; `signature` replaces the right one. */
export function signToken(
  key: IssuerKey,
  claims: object,
  header: object = {},
  signature?: (input: string) => Buffer,
): string {
  const input = `${base64url({ alg: key.alg, typ: 'JWT', kid: key.kid, ...header })}.${base64url(claims)}`;
  const right = (): Buffer =>
    sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${(signature?.(input) ?? right()).toString('base64url')}`;
}

/** HS256 with the public key as the secret: what a verifier that goes by the header alone would take. */
export const signWithPublicKey = (key: IssuerKey, claims: object): string =>
  signToken(key, claims, { alg: 'HS256' }, (input) =>
    createHmac('sha256', key.publicKey.export({ type: 'spki', format: 'pem' }))
      .update(input)
      .digest(),
  );

type Answer = (response: ServerResponse) => void;

export interface Issuer {
  url: string;
  /** Keys in its set; change them to rotate. */
  keys: IssuerKey[];
  /** Paths asked for. */
  asked: string[];
  /** In place of the key set. */
  answer: Answer | null;
  /** In place of the discovery document. */
  discovery: Answer | null;
  /** Claims of a token that is right in every way. */
  claims(more?: object): Record<string, unknown>;
  token(more?: object): string;
  close(): Promise<void>;
}

export const AUDIENCE = 'https://api.example.com';

export async function startIssuer(): Promise<Issuer> {
  const server = createServer((request, response) => {
    issuer.asked.push(request.url ?? '');
    if (request.url === '/.well-known/openid-configuration') {
      if (issuer.discovery !== null) return issuer.discovery(response);
      return json({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` })(response);
    }
    if (request.url !== '/keys' && request.url !== '/.well-known/jwks.json') return status(404)(response);
    if (issuer.answer !== null) return issuer.answer(response);
    json({
      keys: issuer.keys.map(({ kid, alg, publicKey }) => ({
        ...publicKey.export({ format: 'jwk' }),
        kid,
        alg,
        use: 'sig',
      })),
    })(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: [makeKey('one')],
    asked: [],
    answer: null,
    discovery: null,
    claims(more = {}) {
      const now = Math.floor(Date.now() / 1000);
      return { iss: issuer.url, aud: AUDIENCE, sub: 'u1', iat: now, exp: now + 300, tenant: 'acme', ...more };
    },
    token: (more) => signToken(issuer.keys[0] as IssuerKey, issuer.claims(more)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

export const json =
  (value: unknown): Answer =>
  (response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
export const status =
  (code: number): Answer =>
  (response) =>
    void response.writeHead(code).end('{}');
export const html: Answer = (response) =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>maintenance</html>');
export const hang: Answer = () => undefined;
