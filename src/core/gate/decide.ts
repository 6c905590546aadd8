import type { GateItem, GateKey } from './layout.ts';
import { callsThisMonth, nextMonth } from './limits.ts';
import type { Branch, GateCall } from './request.ts';

/** What DynamoDB made of the update: ALL_NEW when it was applied, else ALL_OLD (`null`: no such item). */
export type GateAnswer = { applied: true; item: GateItem } | { applied: false; item: GateItem | null };

/** Why a presented key is nobody's. A deleted tenant counts as suspended. */
export type IdentityReason = 'unknown' | 'revoked' | 'expired' | 'suspended';

/** `retryAt`: epoch µs from which the call can pass. */
export type Decision =
  | { allowed: true; gate: GateItem }
  | { denied: 'identity'; reason: IdentityReason }
  | { denied: 'rate' | 'quota'; retryAt: number; gate: GateItem }
  /** Nothing was counted: ask again with this branch and the same `now`. */
  | { wrongBranch: Branch }
  /** The item lacks what every gate has, so nothing can be said of the caller. */
  | { broken: string };

/** Reads the answer to `gateRequest(call)`. A refused update explains itself by the item it left unchanged. */
export function decide(call: GateCall, answer: GateAnswer): Decision {
  const read = readAnswer(call, answer);
  return 'short' in read ? limitProblem(read.short, call) : read;
}

/** What an answer says before any limit is looked at. `short`: the caller is alive, and yet the update was refused. */
export function readAnswer(
  call: Pick<GateCall, 'keyId' | 'secretId' | 'now'>,
  answer: GateAnswer,
): Exclude<Decision, { denied: 'rate' | 'quota' } | { wrongBranch: unknown }> | { short: GateItem } {
  if (answer.item === null) return { denied: 'identity', reason: 'unknown' };
  const gate = answer.item;
  if (!answer.applied) {
    const reason = identityProblem(gate, call);
    if (reason !== null) return { denied: 'identity', reason };
  }
  const missing = missingPart(gate, call.keyId);
  if (missing !== null) return { broken: missing };
  return answer.applied ? { allowed: true, gate } : { short: gate };
}

/**
 * Why a key is refused before any limit is looked at, or `null` when it is alive. Its mapping exists, so a key
 * or secret that the gate no longer holds was revoked.
 */
export function identityProblem(
  gate: GateItem,
  { keyId, secretId, now }: Pick<GateCall, 'keyId' | 'secretId' | 'now'>,
): IdentityReason | null {
  const key = own(gate.k, keyId);
  const expiry = key && own(key.s, secretId);
  if (expiry === undefined) return 'revoked';
  if (expiry <= now) return 'expired';
  return gate.status === 'active' ? null : 'suspended';
}

function limitProblem(gate: GateItem, { keyId, now, branch, lead = 0 }: GateCall): Decision {
  if (callsThisMonth(gate, now) >= gate.limit) return { denied: 'quota', retryAt: nextMonth(now), gate };
  const { tat, aat } = gate.k[keyId] as GateKey;
  if (tat > now && aat > now) return { denied: 'rate', retryAt: aat, gate };
  const right: Branch = tat <= now ? 'full' : 'part';
  // Nothing stood in the way, and yet the condition failed: no honest answer is left. (A lead may stand in it.)
  return right === branch && lead === 0 ? { broken: 'condition' } : { wrongBranch: right };
}

/** The path of the first attribute a gate must have and this one lacks. */
export function missingPart(gate: GateItem, keyId: string): string | null {
  for (const counter of ['m', 'u'] as const) if (typeof gate[counter] !== 'object') return counter;
  for (const limit of ['limit', 'calls', 'bytes', 'users'] as const) {
    if (typeof gate[limit] !== 'number') return limit;
  }
  if (typeof gate.plan !== 'string') return 'plan';
  const key = own(gate.k, keyId);
  for (const part of ['T', 'bm', 'aat', 'tat'] as const) {
    if (typeof key?.[part] !== 'number') return `k.${keyId}.${part}`;
  }
  return null;
}

// Ids come from outside: `constructor` must not find Object's own.
function own<V>(map: Record<string, V> | undefined, name: string): V | undefined {
  return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}
