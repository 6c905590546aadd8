import { identityProblem } from '../gate/decide.ts';
import type { GateItem, KeyMapping } from '../gate/layout.ts';
import type { KeyEnv, ParsedKey } from './format.ts';

export interface Verdict {
  valid: boolean;
  /** `malformed`, `wrong_environment` or an `IdentityReason`; `null` when valid. */
  reason: string | null;
  tenantId: string | null;
  keyId: string | null;
  secretId: string | null;
  env: KeyEnv | null;
}

const NOBODY = { tenantId: null, keyId: null, secretId: null, env: null };

/** Whether a key that reads like this would be let in now, limits aside. */
export function verdict(
  parsed: ParsedKey,
  mapping: KeyMapping | null,
  gate: GateItem | null,
  envs: readonly KeyEnv[],
  now: number,
): Verdict {
  if (parsed.kind === 'malformed') return { valid: false, reason: 'malformed', ...NOBODY };
  if (mapping === null) return { valid: false, reason: 'unknown', ...NOBODY };
  const { tenantId, keyId, secretId, env } = mapping;
  const reason = envs.includes(env) ? whyRefused(gate, mapping, now) : 'wrong_environment';
  return { valid: reason === null, reason, tenantId, keyId, secretId, env };
}

/** A mapping without a gate is of a tenant whose store was tampered with: nobody's key. */
const whyRefused = (gate: GateItem | null, { keyId, secretId }: KeyMapping, now: number): string | null =>
  gate === null ? 'unknown' : identityProblem(gate, { keyId, secretId, now });
