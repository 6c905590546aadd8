// Tenants and keys made as the tool makes them: the core's mutations, committed by the store adapter.
import { randomUUID } from 'node:crypto';
import { openStore } from '../../src/adapters/dynamodb/store.ts';
import { auditOf } from '../../src/core/audit.ts';
import type { Rate } from '../../src/core/gate/layout.ts';
import { createKey, type KeyInput } from '../../src/core/keys/create.ts';
import { hashKey, mintKey } from '../../src/core/keys/format.ts';
import { type Key, newKeyId } from '../../src/core/keys/key.ts';
import type { Mutation } from '../../src/core/mutation.ts';
import type { Plan } from '../../src/core/plans.ts';
import type { Commit, ControlStore } from '../../src/core/ports.ts';
import { createTenant } from '../../src/core/tenants/mutations.ts';
import type { Tenant } from '../../src/core/tenants/tenant.ts';
import { isoTime, microseconds } from '../../src/core/time.ts';

export const STACK = 'local';
export const REGION = 'us-east-1';
export const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

export const open = async (endpoint: string): Promise<ControlStore> => {
  const settings = { region: REGION, stack: STACK, endpoint, credentials: CREDENTIALS };
  return (await openStore({ ...settings, awsProfile: null, createMissing: true, trace: null })).store;
};

/** A mutation with its audit entry, `now` in epoch ms. */
export function commitOf(mutation: Mutation, now: number): Commit {
  const by = { id: randomUUID(), at: isoTime(now), actor: 'test', requestId: 'req_test' };
  return { mutation, audit: auditOf(mutation, by), now: microseconds(now) };
}

/** Commits what nobody else is changing. */
export async function apply<M extends Mutation>(
  store: ControlStore,
  mutation: M,
  now: number,
): Promise<M['after']> {
  const outcome = await store.commit(commitOf(mutation, now));
  if (outcome !== 'applied') throw new Error(`${mutation.action} of ${mutation.tenantId}: ${outcome}`);
  return mutation.after;
}

export function makeTenant(store: ControlStore, id: string, plan: Plan, now: number): Promise<Tenant> {
  return apply(store, createTenant(null, id, {}, { plan, ifNotExists: false, now }), now);
}

interface KeyDraft {
  name?: string;
  /** Its own; the tenant's without one. */
  rate?: Rate;
  /** ms; `null`: until revoked. */
  lifetime?: number | null;
  now: number;
}

/** The mutation that makes a key, with the secret it would have. */
export function keyDraft(tenant: Tenant, { name, rate, lifetime = null, now }: KeyDraft) {
  const secret = mintKey('anb', 'live');
  const hash = hashKey(secret);
  const input: KeyInput = {
    keyId: newKeyId(),
    name: name ?? null,
    env: 'live',
    prefix: 'anb_live',
    rate: rate ?? null,
    scopes: [],
    lifetime,
  };
  const mutation = createKey(tenant, input, { hash, last4: secret.slice(-4) }, null, 0, now);
  return { mutation, secret, hash };
}

export async function makeKey(store: ControlStore, tenant: Tenant, draft: KeyDraft) {
  const { mutation, secret } = keyDraft(tenant, draft);
  return { key: (await apply(store, mutation, draft.now)) as Key, secret };
}
