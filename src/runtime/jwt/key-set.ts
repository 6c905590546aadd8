import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { isTrustedUrl } from '../../core/jwt.ts';
import { fetchJson } from './fetch-json.ts';
import type { JwtSettings } from './settings.ts';

/** A signature key of the issuer, fit for one algorithm. */
export interface SigningKey extends JsonWebKey {
  kid: string;
  kty: 'RSA' | 'EC';
}

export type Keys = ReadonlyMap<string, SigningKey>;

/** `among`: the set it is in, another one after each refresh. */
export type FoundKey =
  | { kind: 'found'; key: SigningKey; among: Keys }
  | { kind: 'unknown' }
  | { kind: 'unavailable'; message: string };

export interface KeySet {
  find(kid: string): Promise<FoundKey>;
}

/** All of a refresh, discovery included. */
const TIMEOUT_MS = 1_500;
/** At least so long between two refreshes, whatever is presented meanwhile. */
const FLOOR_MS = 10_000;
/** A key that the issuer withdrew is trusted no longer than this. */
const FRESH_MS = 600_000;
/** … and this, while the issuer cannot be asked. */
const STALE_MS = 3_600_000;

interface Held {
  keys: Keys;
  at: number;
}

/**
 * The issuer's keys, fetched when first needed, again when an unknown key id turns up (never twice within 10 s,
 * once for all who wait) and when they are ten minutes old. `now`: epoch ms.
 */
export function createKeySet(
  settings: Pick<JwtSettings, 'issuer' | 'jwksUri'>,
  now: () => number = Date.now,
): KeySet {
  let held: Held | null = null;
  let asked: { at: number; failure: string | null } | null = null;
  let asking: Promise<void> | null = null;

  async function refresh(): Promise<void> {
    const at = now();
    try {
      held = { keys: await fetchKeys(settings), at };
      asked = { at, failure: null };
    } catch (error) {
      asked = { at, failure: (error as Error).message };
    }
  }

  /** Joins a refresh under way, or starts one unless the last was just now. */
  async function refreshed(): Promise<void> {
    if (asking === null) {
      // A clock set back must not keep us from asking.
      if (asked !== null && now() >= asked.at && now() - asked.at < FLOOR_MS) return;
      asking = refresh().finally(() => {
        asking = null;
      });
    }
    await asking;
  }

  const age = (): number => (held === null ? Number.POSITIVE_INFINITY : Math.abs(now() - held.at));

  return {
    async find(kid) {
      if (age() > FRESH_MS || !held?.keys.has(kid)) await refreshed();
      const key = age() > STALE_MS ? undefined : held?.keys.get(kid);
      if (key !== undefined && held !== null) return { kind: 'found', key, among: held.keys };
      // Only a set as it stands now says that there is no such key.
      return asked?.failure == null ? { kind: 'unknown' } : { kind: 'unavailable', message: asked.failure };
    },
  };
}

async function fetchKeys({ issuer, jwksUri }: Pick<JwtSettings, 'issuer' | 'jwksUri'>): Promise<Keys> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const uri = jwksUri ?? (await discover(issuer, signal));
    const { status, json } = await fetchJson(uri, signal);
    if (status !== 200) throw new Error(`${uri} answered ${status}`);
    const keys = member(json, 'keys');
    if (!Array.isArray(keys)) throw new Error(`${uri} is not a key set`);
    return new Map(keys.filter(isSigningKey).map((key) => [key.kid, key]));
  } catch (error) {
    throw signal.aborted ? new Error(`no answer within ${TIMEOUT_MS} ms`) : error;
  }
}

/** OIDC discovery; where the issuer has no such document, the usual place. */
async function discover(issuer: string, signal: AbortSignal): Promise<string> {
  const base = issuer.replace(/\/$/, '');
  const { status, json } = await fetchJson(`${base}/.well-known/openid-configuration`, signal);
  if (status === 404) return `${base}/.well-known/jwks.json`;
  if (status !== 200) throw new Error(`the discovery document of ${issuer} answered ${status}`);
  const uri = member(json, 'jwks_uri');
  if (member(json, 'issuer') !== issuer) throw new Error(`the discovery document is not of ${issuer}`);
  if (typeof uri !== 'string' || !isTrustedUrl(uri))
    throw new Error('the discovery document names no key set');
  return uri;
}

const member = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null && Object.hasOwn(json, name)
    ? (json as Record<string, unknown>)[name]
    : undefined;

/** RSA of 2048 bits and more, or P-256, for signatures: what RS256 and ES256 need. Others are passed over. */
function isSigningKey(json: unknown): json is SigningKey {
  const [kid, use] = [member(json, 'kid'), member(json, 'use')];
  if (typeof kid !== 'string' || kid === '' || (use !== undefined && use !== 'sig')) return false;
  const key = publicKey(json as JsonWebKey);
  if (key?.asymmetricKeyType === 'rsa') return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  return key?.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

function publicKey(jwk: JsonWebKey): KeyObject | null {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return null;
  }
}
