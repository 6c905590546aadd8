// Tokens as nobody should send them, from a seeded generator: properties would take longer to draw than to check.
import { jwtGateKey } from '../../../src/core/tenants/jwt-access.ts';
import { authorize } from '../../../src/lambda/authorize.ts';
import { createGate } from '../../../src/runtime/gate.ts';
import { type Bearer, bearerFrom } from '../../../src/runtime/jwt/bearer.ts';
import { withTenant } from '../../../src/runtime/with-tenant.ts';
import { gateFixture, NOON, putGate, STACK } from '../../fixtures/gate.ts';
import { memoryWire } from '../memory-dynamo.ts';
import { AUDIENCE, type IssuerKey, makeKey, signToken, signWithPublicKey, startIssuer } from './issuer.ts';

/** Puts `runs` odd tokens to the authorizer and to inline mode in turn; throws when one passes or crashes. */
export async function fuzz(runs: number): Promise<void> {
  const issuer = await startIssuer();
  try {
    await fuzzWith(issuer, runs);
  } finally {
    await issuer.close();
  }
}

async function fuzzWith(issuer: Awaited<ReturnType<typeof startIssuer>>, runs: number): Promise<void> {
  const { wire } = memoryWire();
  const log = () => {};
  const options = { wire, stack: STACK, prefix: 'anb', envs: ['live' as const], policy: 'deny' as const };
  const gate = createGate({ ...options, log, importedKeys: true, now: () => NOON });
  await putGate(wire, gateFixture({ k: { jwt: jwtGateKey({ perSecond: null, burst: 1 }) } }));
  const bearer = bearerFrom(
    {
      SAASCTL_JWT_ISSUER: issuer.url,
      SAASCTL_JWT_AUDIENCE: AUDIENCE,
      SAASCTL_JWT_TENANT_CLAIM: 'tenant',
      SAASCTL_JWT_JWKS_URI: `${issuer.url}/keys`,
    },
    gate,
    log,
    // The clock stands still, so that the keys are asked for once: between these calls no answer could arrive.
    () => 0,
  ) as Bearer;
  const good = issuer.token();
  const accepted = await authorize({ headers: { authorization: `Bearer ${good}` } }, gate, bearer);
  if (!accepted.isAuthorized) throw new Error('the good token must pass, or nothing is tested');
  const inline = withTenant(
    () => {
      throw new Error('the handler was reached');
    },
    { mode: 'inline', gate, bearer, log },
  );

  const draw = badHeaders(good, issuer);
  for (let run = 0, put = 0; put < runs; run++) {
    const header = draw(run);
    // A change may have changed nothing.
    if (typeof header === 'string' && header.replace(/^bearer +/i, '') === good && header !== good) continue;
    put += 1;
    const event = { headers: { authorization: header } };
    if (run % 2 === 0) {
      const { isAuthorized } = await authorize(event, gate, bearer);
      if (isAuthorized) throw new Error(`run ${run}: authorised ${JSON.stringify(header)}`);
    } else {
      const { statusCode } = (await inline(event as never, {})) as { statusCode: number };
      if (statusCode !== 401 && statusCode !== 403)
        throw new Error(`run ${run}: ${statusCode} to ${JSON.stringify(header)}`);
    }
  }
}

/** Mulberry32: the same numbers from 0 to 1 for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/~ ,\0é';
const HEADERS = ['alg', 'kid', 'typ', 'crit', 'jwk', 'x5u', '__proto__'];
const CLAIMS = ['iss', 'aud', 'exp', 'nbf', 'tenant', 'scope', '__proto__', 'constructor'];
const VALUES: unknown[] = [
  ...[null, true, 0, -1, 1e308, '', 'none', 'HS256', 'ES256', 'one', 'two', 'acme', 'globex', '../acme'],
  ...[[], ['acme'], [[]], {}, { toString: 1 }, { length: 1 }, 'x'.repeat(3_000), '\ud800', '\0'],
];

/** The `run`th odd `Authorization` header. */
function badHeaders(good: string, issuer: Awaited<ReturnType<typeof startIssuer>>): (run: number) => unknown {
  const key = issuer.keys[0] as IssuerKey;
  const stranger = makeKey('one', 'RS256', 2048, 'b');
  const [header = '', payload = '', signature = ''] = good.split('.');
  const forged = [
    signToken(stranger, issuer.claims()),
    signWithPublicKey(key, issuer.claims()),
    signToken(key, issuer.claims(), { alg: 'none' }),
    ...VALUES.filter((value) => value !== 'acme').map((tenant) => issuer.token({ tenant })),
    issuer.token({ exp: 1 }),
    issuer.token({ aud: ['x'] }),
  ];

  return (run) => {
    const random = seeded(run);
    const below = (count: number): number => Math.floor(random() * count);
    const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
    const text = (length: number): string =>
      Array.from({ length }, () => ALPHABET[below(ALPHABET.length)]).join('');
    const mutated = (): string => {
      const at = below(good.length);
      return good.slice(0, at) + text(below(4)) + good.slice(at + below(4));
    };
    const part = (names: readonly string[], from: object): string => {
      const odd = Array.from(
        { length: below(4) },
        () => `${JSON.stringify(one(names))}:${JSON.stringify(one(VALUES))}`,
      );
      const members = [JSON.stringify(from).slice(1, -1), ...odd].join();
      return Buffer.from(`{${members}}`).toString('base64url');
    };
    // The good signature over whatever else: signing costs too much to be done each time.
    const crossed = (): string => {
      const first = below(2) ? header : part(HEADERS, { alg: 'RS256', kid: 'one' });
      const second = below(3) === 0 ? payload : part(CLAIMS, issuer.claims());
      return `${first}.${second}.${one([signature, signature, '', 'AA', signature.slice(4)])}`;
    };
    const deep = (): string =>
      `${header}.${Buffer.from('['.repeat(below(6_000))).toString('base64url')}.${signature}`;
    const token = one([
      mutated,
      mutated,
      crossed,
      crossed,
      deep,
      () => one(forged),
      () => text(below(200)),
    ])();
    const scheme = below(10) > 0 ? 'Bearer ' : one(['bearer ', 'BEARER  ', 'Bearer', 'Basic ', '']);
    return below(50) === 0 ? one([...VALUES, good, `Bearer ${good},Bearer ${good}`]) : scheme + token;
  };
}
