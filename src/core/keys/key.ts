import { SaasctlError, usageError } from '../errors.ts';
import { type GateKey, NEVER, type Rate } from '../gate/layout.ts';
import { isLeaving, type Tenant } from '../tenants/tenant.ts';
import { isoTime } from '../time.ts';
import { type KeyEnv, randomBase62 } from './format.ts';

/** An API key as stored, without any secret. Times are ISO-8601 UTC. */
export interface Key {
  keyId: string;
  tenantId: string;
  name: string | null;
  env: KeyEnv;
  /** What a minted key starts with, `anb_live`; `null` for an imported one. */
  prefix: string | null;
  scopes: string[];
  /** `null`: the plan's. */
  rate: Rate | null;
  createdAt: string;
  revokedAt: string | null;
  secrets: Secret[];
  /** The last rotation, until the next. */
  rotation: Rotation | null;
  /** Counts mutations; every write is conditional on it. */
  version: number;
}

export interface Secret {
  secretId: string;
  last4: string | null;
  createdAt: string;
  expiresAt: string | null;
  /** The expiry it had before a rotation shortened it: what `--abort` restores. */
  ownExpiresAt: string | null;
  revokedAt: string | null;
}

export interface Rotation {
  oldSecretId: string;
  newSecretId: string;
  graceEndsAt: string;
}

export type SecretStatus = 'active' | 'expired' | 'revoked';
export type KeyStatus = 'active' | 'expired' | 'revoked';

export const newKeyId = (): string => `key_${randomBase62(8)}`;

const expired = (at: string | null, now: number): boolean => at !== null && Date.parse(at) <= now;

export function secretStatus(secret: Secret, now: number): SecretStatus {
  if (secret.revokedAt !== null) return 'revoked';
  return expired(secret.expiresAt, now) ? 'expired' : 'active';
}

export const livingSecrets = (key: Key, now: number): Secret[] =>
  key.secrets.filter((secret) => secretStatus(secret, now) === 'active');

export function keyStatus(key: Key, now: number): KeyStatus {
  if (key.revokedAt !== null) return 'revoked';
  return livingSecrets(key, now).length > 0 ? 'active' : 'expired';
}

/** The rotation whose grace still runs, if any. */
export function openRotation(key: Key, now: number): Rotation | null {
  return key.rotation !== null && !expired(key.rotation.graceEndsAt, now) ? key.rotation : null;
}

/** An expiry as the gate stores it, epoch µs. */
export const gateExpiry = (expiresAt: string | null): number =>
  expiresAt === null ? NEVER : Date.parse(expiresAt) * 1000;

/** The key as JSON shows it, with what only its tenant and its gate know. */
export function keyView(key: Key, tenant: Tenant, bucket: GateKey | undefined, now: number) {
  const newest = key.secrets.at(-1);
  return {
    keyId: key.keyId,
    tenantId: key.tenantId,
    name: key.name,
    env: key.env,
    status: isLeaving(tenant) ? 'revoked' : keyStatus(key, now),
    prefix: key.prefix,
    last4: newest?.last4 ?? null,
    rate: { ...(key.rate ?? tenant.rate), inherited: key.rate === null },
    scopes: key.scopes,
    createdAt: key.createdAt,
    expiresAt: newest?.expiresAt ?? null,
    lastUsedAt: bucket !== undefined && bucket.lu > 0 ? isoTime(Math.floor(bucket.lu / 1000)) : null,
    secrets: key.secrets.map((secret) => ({
      secretId: secret.secretId,
      createdAt: secret.createdAt,
      expiresAt: secret.expiresAt,
      status: isLeaving(tenant) ? 'revoked' : secretStatus(secret, now),
    })),
    rotation: openRotation(key, now),
  };
}
export type KeyView = ReturnType<typeof keyView>;

export function keyNotFound(what: string, tenantId?: string): SaasctlError {
  return new SaasctlError({
    code: 'key_not_found',
    category: 'not_found',
    message: `no key ${what}`,
    next: tenantId === undefined ? 'saasctl key list' : `saasctl key list --tenant ${tenantId}`,
  });
}

const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function checkKeyName(name: string): string {
  if (KEY_NAME.test(name)) return name;
  throw usageError('bad_key_name', `${JSON.stringify(name.slice(0, 80))} is not a key name`, {
    hint: 'a key name is 1 to 63 letters, digits, dots, hyphens and underscores, starting with a letter or digit',
  });
}

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/** A scope as OAuth 2 defines it (RFC 6749 §3.3): printable ASCII without space, quote and backslash. */
export function checkScope(scope: string): string {
  if (SCOPE.test(scope)) return scope;
  throw usageError('bad_scope', `${JSON.stringify(scope.slice(0, 80))} is not a scope`, {
    hint: 'a scope is 1 to 64 printable ASCII characters without spaces, quotes and backslashes',
  });
}
