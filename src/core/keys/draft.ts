import type { GateEdit } from '../gate/edits.ts';
import { changesBetween, type KeyMutation } from '../mutation.ts';
import { isoTime } from '../time.ts';
import { gateExpiry, type Key, type Secret } from './key.ts';

const FIELDS = ['name', 'env', 'scopes', 'rate', 'revokedAt', 'secrets', 'rotation'] as const;

/** A secret as the core sees it: never the secret, only what is stored of it. */
export interface SecretDigest {
  hash: string;
  last4: string | null;
}

/** A mutation that changes nothing on the gate yet. */
export function draft(
  action: string,
  outcome: KeyMutation['outcome'],
  before: Key | null,
  after: Key,
): KeyMutation {
  return {
    kind: 'key',
    action,
    outcome,
    tenantId: after.tenantId,
    before,
    after,
    changes: changesBetween(before, after, FIELDS),
    gate: [],
    mapping: null,
    tenantVersion: null,
    name: null,
  };
}

export const bump = (key: Key, fields: Partial<Key>): Key => ({
  ...key,
  ...fields,
  version: key.version + 1,
});

export function newSecret(
  secretId: string,
  digest: SecretDigest,
  lifetime: number | null,
  now: number,
): Secret {
  return {
    secretId,
    last4: digest.last4,
    createdAt: isoTime(now),
    expiresAt: lifetime === null ? null : isoTime(now + lifetime),
    ownExpiresAt: null,
    revokedAt: null,
  };
}

export const markRevoked = (secrets: readonly Secret[], secretId: string, now: number): Secret[] =>
  secrets.map((secret) => (secret.secretId === secretId ? { ...secret, revokedAt: isoTime(now) } : secret));

export const setSecret = (key: Key, { secretId, expiresAt }: Secret): GateEdit => ({
  edit: 'setSecret',
  keyId: key.keyId,
  secretId,
  expiry: gateExpiry(expiresAt),
});

export const removeSecret = (key: Key, secretId: string): GateEdit => ({
  edit: 'removeSecret',
  keyId: key.keyId,
  secretId,
});
