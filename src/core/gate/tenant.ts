import type { KeyEnv } from '../keys/format.ts';
import type { Limits } from '../plans.ts';
import { type GateItem, type GateKey, type KeyMapping, NEVER } from './layout.ts';
import { callsThisMonth } from './limits.ts';

/** What a customer's handler learns of the caller. `null` is unlimited. */
export interface Tenant {
  tenantId: string;
  plan: string;
  /** Where the tenant's data lies. */
  isolation: 'pool' | 'bridge' | 'silo';
  limits: Limits;
  keyId: string;
  env: KeyEnv;
  scopes: string[];
  /** Calls this UTC month, this one included, and how many the plan still includes. */
  usage: { apiCalls: number; remaining: number | null };
}

/**
 * The caller's facts, from its gate as the allowed call left it. `held`: calls that the gate counts and a lease
 * still holds.
 */
export function tenantOf(
  gate: GateItem,
  { tenantId, keyId, env }: KeyMapping,
  now: number,
  held = 0,
): Tenant {
  const apiCalls = callsThisMonth(gate, now) - held;
  const included = orUnlimited(gate.calls);
  return {
    tenantId,
    plan: gate.plan,
    isolation: gate.iso ?? 'pool',
    limits: {
      apiCallsPerMonth: included,
      storageBytes: orUnlimited(gate.bytes),
      maxUsers: orUnlimited(gate.users),
    },
    keyId,
    env,
    scopes: (gate.k[keyId] as GateKey).sc?.split(' ') ?? [],
    usage: { apiCalls, remaining: included === null ? null : Math.max(0, included - apiCalls) },
  };
}

const orUnlimited = (stored: number): number | null => (stored >= NEVER ? null : stored);
