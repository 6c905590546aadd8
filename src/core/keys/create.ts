import { SaasctlError, usageError } from '../errors.ts';
import { MAX_KEYS, newGateKey } from '../gate/edits.ts';
import type { KeyMapping, Rate } from '../gate/layout.ts';
import { changesBetween, type KeyMutation } from '../mutation.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { draft, newSecret, type SecretDigest } from './draft.ts';
import type { KeyEnv } from './format.ts';
import { gateExpiry, type Key, keyStatus } from './key.ts';

export interface KeyInput {
  keyId: string;
  name: string | null;
  env: KeyEnv;
  prefix: string | null;
  rate: Rate | null;
  scopes: string[];
  /** Lifetime in ms; `null`: until revoked. */
  lifetime: number | null;
}

/** A new key with its first secret. `holder` is the key that has the name now, if any; `onGate` how many keys the gate has. */
export function createKey(
  tenant: Tenant,
  input: KeyInput,
  digest: SecretDigest,
  holder: Key | null,
  onGate: number,
  now: number,
  action: 'key.create' | 'key.import' = 'key.create',
): KeyMutation {
  if (holder !== null && keyStatus(holder, now) === 'active') throw nameTaken(holder);
  if (onGate >= MAX_KEYS) throw tooManyKeys(tenant);
  if (input.lifetime === 0) {
    throw usageError('bad_expiry', '--expires 0: the key would be dead at once', {
      hint: 'give a lifetime such as 90d, or none',
    });
  }
  const secret = newSecret('s1', digest, input.lifetime, now);
  const key: Key = {
    keyId: input.keyId,
    tenantId: tenant.id,
    name: input.name,
    env: input.env,
    prefix: input.prefix,
    scopes: input.scopes,
    rate: input.rate,
    createdAt: secret.createdAt,
    revokedAt: null,
    secrets: [secret],
    rotation: null,
    version: 1,
  };
  const gateKey = newGateKey(
    input.rate ?? tenant.rate,
    input.rate === null,
    input.scopes,
    secret.secretId,
    gateExpiry(secret.expiresAt),
  );
  return {
    ...draft(action, 'created', null, key),
    gate: [{ edit: 'addKey', keyId: key.keyId, key: gateKey }],
    mapping: { hash: digest.hash, secretId: secret.secretId },
    tenantVersion: tenant.version,
    name: input.name === null ? null : { claim: input.name, from: holder?.keyId ?? null },
  };
}

/**
 * Registers a key of another system by its hash. The same import again is unchanged; only what was typed of
 * `env`, `rate` and `scopes` is compared.
 */
export function importKey(
  tenant: Tenant,
  input: KeyInput,
  typed: Partial<Pick<Key, 'env' | 'rate' | 'scopes'>>,
  hash: string,
  known: { mapping: KeyMapping; key: Key | null } | null,
  holder: Key | null,
  onGate: number,
  now: number,
): KeyMutation {
  if (known === null) {
    return createKey(tenant, input, { hash, last4: null }, holder, onGate, now, 'key.import');
  }
  const { key } = known;
  const same = key !== null && key.tenantId === tenant.id && key.name === input.name;
  const differing = same ? changesBetween(key, { ...key, ...typed }, ['env', 'rate', 'scopes']) : [];
  if (same && differing.length === 0 && keyStatus(key, now) === 'active') {
    return draft('key.import', 'unchanged', key, key);
  }
  throw new SaasctlError({
    code: 'key_exists',
    category: 'conflict',
    message: `a key with this hash exists already${differing.length > 0 ? `, with another ${differing.map(({ field }) => field).join(', ')}` : ''}`,
    hint: 'a hash leads to one key for ever, even after that key is revoked',
    next: `saasctl key show ${known.mapping.keyId}`,
  });
}

function nameTaken(holder: Key): SaasctlError {
  return new SaasctlError({
    code: 'key_name_taken',
    category: 'conflict',
    message: `tenant '${holder.tenantId}' has a living key named '${holder.name}' (${holder.keyId})`,
    hint: 'its secret is shown only once; a new one comes by rotation',
    next: `saasctl key rotate --tenant ${holder.tenantId} --name ${holder.name} --grace 7d`,
  });
}

function tooManyKeys({ id }: Tenant): SaasctlError {
  return new SaasctlError({
    code: 'too_many_keys',
    category: 'conflict',
    message: `tenant '${id}' has ${MAX_KEYS} keys, the most that its gate holds`,
    hint: 'every call reads and writes the gate with all its keys; expired ones count until they are revoked',
    next: `saasctl key list --tenant ${id}`,
  });
}
