import { setTimeout as pause } from 'node:timers/promises';
import { MAX_KEYS } from '../../src/core/gate/edits.ts';
import type { Key } from '../../src/core/keys/key.ts';
import { revokeKey } from '../../src/core/keys/revoke.ts';
import { suspendTenant } from '../../src/core/tenants/mutations.ts';
import { apply, makeKey, makeTenant } from '../adapters/tenancy.ts';
import { exactly, type Figure } from './figure.ts';
import { PLAN, type Sandbox, type World } from './world.ts';

const ROUNDS = 100;
/** Time enough to make the keys and to use each once. */
const LIFETIME_MS = 8_000;

/** A key that a warm sandbox has just let through, and then the call right after it died. */
export async function nextCallFigures(world: World): Promise<Figure[]> {
  const check = await world.sandbox();
  return [
    exactly('revoked, next call: refused', await revoked(world, check), ROUNDS),
    exactly('suspended, next call: refused', await suspended(world, check), ROUNDS),
    exactly('expired, next call: refused', await expired(world, check), ROUNDS),
  ];
}

async function revoked({ store }: World, check: Sandbox): Promise<number> {
  let refused = 0;
  for (const { key, secret } of await keys(store, 'revoked', null)) {
    const before = await check(secret);
    await apply(store, revokeKey(key, false, Date.now()), Date.now());
    if (before === 'allowed' && (await check(secret)) === 'refused') refused += 1;
  }
  return refused;
}

async function suspended({ store }: World, check: Sandbox): Promise<number> {
  let refused = 0;
  // A tenant each: a refusal is repeated for a second, whatever changed meanwhile.
  for (let round = 0; round < ROUNDS; round++) {
    const tenant = await makeTenant(store, `suspended-${round}`, PLAN, Date.now());
    const { secret } = await makeKey(store, tenant, { now: Date.now() });
    const before = await check(secret);
    await apply(store, suspendTenant(tenant, Date.now()), Date.now());
    if (before === 'allowed' && (await check(secret)) === 'refused') refused += 1;
  }
  return refused;
}

async function expired({ store }: World, check: Sandbox): Promise<number> {
  const end = Date.now() + LIFETIME_MS;
  const expiring = await keys(store, 'expired', end);
  const before: string[] = [];
  for (const { secret } of expiring) before.push(await check(secret));
  await pause(Math.max(0, end - Date.now()) + 1);
  let refused = 0;
  for (const [at, { secret }] of expiring.entries()) {
    if (before[at] === 'allowed' && (await check(secret)) === 'refused') refused += 1;
  }
  return refused;
}

/** Keys over as many tenants as they need, all dying at `end` (epoch ms). */
async function keys(store: World['store'], name: string, end: number | null) {
  const made: { key: Key; secret: string }[] = [];
  for (let at = 0; made.length < ROUNDS; at++) {
    const tenant = await makeTenant(store, `${name}-${at}`, PLAN, Date.now());
    for (let i = 0; i < MAX_KEYS && made.length < ROUNDS; i++) {
      const now = Date.now();
      made.push(await makeKey(store, tenant, { lifetime: end === null ? null : end - now, now }));
    }
  }
  return made;
}
