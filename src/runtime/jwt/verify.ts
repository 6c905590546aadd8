import { JwtVerifier } from 'aws-jwt-verify/jwt-verifier';
import { isTenantId } from '../../core/tenants/tenant.ts';
import { createKeySet, type Keys, type SigningKey } from './key-set.ts';
import type { JwtSettings } from './settings.ts';

/** Who a token speaks for. The reason of a refusal is for logs: callers are told none. */
export type Verified =
  | { kind: 'verified'; tenantId: string; scopes: string[] }
  | { kind: 'refused'; reason: Refusal }
  /** The issuer's keys could not be fetched: nothing can be said of the token. */
  | { kind: 'unavailable'; message: string };

type Refusal =
  | 'malformed'
  | 'algorithm'
  | 'header'
  | 'unknown_key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'no_expiry'
  | 'tenant_claim';

export interface JwtIdentity {
  /** Never throws. */
  verify(token: string): Promise<Verified>;
}

/** Longer tokens do not fit through API Gateway's 10 KB of headers with anything beside them. */
const MAX_LENGTH = 8_192;
/** For clocks that differ: seconds after `exp` and before `nbf`. */
const LEEWAY_S = 30;
const KEY_TYPES: Readonly<Record<string, SigningKey['kty']>> = { RS256: 'RSA', ES256: 'EC' };
/** RFC 7519 and RFC 9068. Another type is a token for something else, such as a logout. */
const TYPE = /^(application\/)?(at\+)?jwt$/i;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

const refused = (reason: Refusal): Verified => ({ kind: 'refused', reason });

/** Verifies access tokens of one OIDC issuer, RS256 or ES256. `now`, epoch ms, is for the age of its keys. */
export function createJwtIdentity(settings: JwtSettings, now?: () => number): JwtIdentity {
  const { issuer, audience } = settings;
  const keySet = createKeySet(settings, now);
  const verifier = JwtVerifier.create({ issuer, audience, jwksUri: issuer, graceSeconds: LEEWAY_S });
  let given: Keys | undefined;

  return {
    async verify(token) {
      const unverified = readUnverified(token);
      if (typeof unverified === 'string') return refused(unverified);
      const { alg, kid, iss } = unverified;
      // Before keys are asked for: another's tokens must not make us ask.
      if (iss !== issuer) return refused('issuer');
      const found = await keySet.find(kid);
      if (found.kind === 'unavailable') return found;
      if (found.kind === 'unknown') return refused('unknown_key');
      if (found.key.kty !== KEY_TYPES[alg]) return refused('algorithm');
      // Given anew, the library forgets the keys of the older set, which may have had the same ids.
      if (given !== found.among) verifier.cacheJwks({ keys: [...found.among.values()] as never });
      given = found.among;
      try {
        return identityOf({ ...verifier.verifySync(token) }, settings);
      } catch (error) {
        return refused(refusalOf((error as Error).message));
      }
    },
  };
}

/** What has to be known before a key can be looked for, or why there is no need to. */
function readUnverified(token: string): { alg: string; kid: string; iss: unknown } | Refusal {
  const [header = '', payload = '', ...rest] = token.length > MAX_LENGTH ? [] : token.split('.');
  if (rest.length !== 1 || ![header, payload, ...rest].every(isCanonical)) return 'malformed';
  try {
    const { alg, kid, typ, crit } = JSON.parse(decoded(header)) as Record<string, unknown>;
    const { iss } = JSON.parse(decoded(payload)) as Record<string, unknown>;
    if (typeof alg !== 'string' || !Object.hasOwn(KEY_TYPES, alg)) return 'algorithm';
    if (typeof kid !== 'string' || kid === '' || crit !== undefined) return 'header';
    if (typ !== undefined && (typeof typ !== 'string' || !TYPE.test(typ))) return 'header';
    return { alg, kid, iss };
  } catch {
    return 'malformed';
  }
}

const decoded = (part: string): string => Buffer.from(part, 'base64url').toString();

/** Base64url in its one spelling: with padding and unused bits a token would have many. */
const isCanonical = (part: string): boolean =>
  part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;

function identityOf(claims: Record<string, unknown>, { tenantClaim, scopesClaim }: JwtSettings): Verified {
  if (claims['exp'] === undefined) return refused('no_expiry');
  const tenantId = own(claims, tenantClaim);
  if (!isTenantId(tenantId)) return refused('tenant_claim');
  return { kind: 'verified', tenantId, scopes: scopesOf(own(claims, scopesClaim)) };
}

/** A string with spaces between (RFC 8693) or a list. What is no scope is left out, lest one become two. */
function scopesOf(claim: unknown): string[] {
  const scopes = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return [...new Set(scopes.filter((scope) => typeof scope === 'string' && SCOPE.test(scope)))];
}

const own = (claims: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined;

/** By the message: the package exports no error classes at its root. Only the log depends on it. */
function refusalOf(message: string): Refusal {
  if (message.startsWith('Token expired')) return 'expired';
  if (message.startsWith("Token can't be used before")) return 'not_yet_valid';
  if (/^(Missing )?Audience/.test(message)) return 'audience';
  if (message.startsWith('JWT signature algorithm')) return 'algorithm';
  return message === 'Invalid signature' ? 'signature' : 'malformed';
}
