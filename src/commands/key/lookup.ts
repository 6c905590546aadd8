import { usageError } from '../../core/errors.ts';
import { checkKeyName, type Key, keyNotFound } from '../../core/keys/key.ts';
import type { ControlStore } from '../../core/ports.ts';
import { checkTenantId, staying } from '../../core/tenants/tenant.ts';

const KEY_ID = /^key_[0-9A-Za-z]{8}$/;

/** A key by its id, or by tenant and name. */
export type KeyAddress = { keyId: string } | { tenantId: string; name: string };

export function keyAddress(
  keyId: string | undefined,
  tenant: string | undefined,
  name: string | undefined,
): KeyAddress {
  if (keyId !== undefined && tenant === undefined && name === undefined) return { keyId: checkKeyId(keyId) };
  if (keyId === undefined && tenant !== undefined && name !== undefined) {
    return { tenantId: checkTenantId(tenant), name: checkKeyName(name) };
  }
  throw usageError('which_key', 'say which key', {
    hint: 'either its id, or --tenant and --name together',
    next: 'saasctl key list',
  });
}

export function checkKeyId(keyId: string): string {
  if (KEY_ID.test(keyId)) return keyId;
  // What was typed may be a secret: it is not repeated.
  throw usageError('bad_key_id', 'that is not a key id', {
    hint: 'a key id looks like key_3fJ9aQ2z; a secret does not belong on a command line, where others can read it',
    next: 'saasctl key list',
  });
}

export async function findKey(store: ControlStore, address: KeyAddress): Promise<Key> {
  const key =
    'keyId' in address
      ? await store.key(address.keyId)
      : await store.keyNamed(address.tenantId, address.name);
  if (key !== null) return key;
  if ('keyId' in address) throw keyNotFound(address.keyId);
  throw keyNotFound(`'${address.name}' of tenant '${address.tenantId}'`, address.tenantId);
}

/** A key whose tenant lives: a deleted one's keys are dead, whatever their own record says. */
export async function livingKey(store: ControlStore, address: KeyAddress): Promise<Key> {
  const key = await findKey(store, address);
  staying(await store.tenant(key.tenantId), key.tenantId);
  return key;
}
