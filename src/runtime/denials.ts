import type { IdentityReason } from '../core/gate/decide.ts';
import type { GateItem, GateKey } from '../core/gate/layout.ts';
import { type LimitsPart, rateLimitHeaders, secondsUntil } from '../core/gate/limits.ts';
import { monthOf } from '../core/time.ts';
import { createLru } from './lru.ts';
import { type Identity, type Outcome, refused } from './outcome.ts';

/** How long a denial is repeated without asking again, µs: a changed limit or a resumed tenant is seen by then. */
const LONGEST = 1_000_000;

interface Denial {
  from: number;
  until: number;
  because:
    | { reason: IdentityReason }
    /** `gate`: no more of it than the headers need, and who may be told: of a used-up rate one key. */
    | { by: 'rate' | 'quota'; retryAt: number; gate: Remembered };
}

type Remembered = LimitsPart & { k: Record<string, Pick<GateKey, 's'>> };

/** By its keys: of a used-up quota as many as the tenant has. */
const weightOf = ({ because }: Denial): number =>
  'gate' in because ? Math.max(1, Object.keys(because.gate.k).length) : 1;

/** Denials that are answered without asking the gate: a refused update costs a write unit too. */
interface Denials {
  /** The answer that was given lately and still holds, or `null`. */
  find(identity: Identity, now: number): Outcome | null;
  refuse(identity: Identity, reason: IdentityReason, now: number): void;
  limit(
    identity: Identity,
    denial: { denied: 'rate' | 'quota'; retryAt: number; gate: GateItem },
    now: number,
  ): void;
}

/** `max`: keys whose denials are remembered, and other denials. */
export function createDenials(max: number): Denials {
  const entries = createLru<Denial>(max, weightOf);
  let latest = 0;

  function holding(name: string, now: number): Denial | undefined {
    const denial = entries.get(name);
    if (denial === undefined || (denial.from <= now && now < denial.until)) return denial;
    // Also when the clock was set back: nothing then says how old it is.
    entries.delete(name);
    return undefined;
  }

  function put(name: string, because: Denial['because'], now: number, end: number): void {
    const until = Math.min(end, now + LONGEST);
    latest = Math.max(latest, until);
    entries.set(name, { from: now, until, because });
  }

  return {
    find(identity, now) {
      if (now >= latest) return null;
      const { tenantId, keyId } = identity;
      const denial =
        holding(tenantId, now) ?? holding(bucketName(identity), now) ?? holding(secretName(identity), now);
      if (denial === undefined) return null;
      const { because } = denial;
      if ('reason' in because) return refused(because.reason);
      const { by, retryAt, gate } = because;
      // What a tenant or key has used up is nothing for a secret that was dead then: the gate itself refuses it.
      const secrets = Object.hasOwn(gate.k, keyId) ? gate.k[keyId]?.s : undefined;
      if (!secrets || !Object.hasOwn(secrets, identity.secretId)) return null;
      if ((secrets[identity.secretId] as number) <= now) return null;
      const retryAfter = secondsUntil(retryAt, now);
      return { outcome: 'limited', by, tenantId, retryAfter, headers: rateLimitHeaders(gate, keyId, now) };
    },
    refuse(identity, reason, now) {
      // Not when the gate is missing: a tenant being made is there the next moment.
      if (reason === 'unknown') return;
      const name = reason === 'suspended' ? identity.tenantId : secretName(identity);
      put(name, { reason }, now, now + LONGEST);
    },
    limit(identity, { denied: by, retryAt, gate }, now) {
      const [name, keyIds] =
        by === 'quota' ? [identity.tenantId, Object.keys(gate.k)] : [bucketName(identity), [identity.keyId]];
      put(name, { by, retryAt, gate: limitsPart(gate, keyIds, now) }, now, retryAt);
    },
  };
}

/** The name of the bucket that a caller draws from. */
export const bucketName = ({ tenantId, keyId }: Identity): string => `${tenantId}#${keyId}`;
/** The name of the one secret that was presented. */
export const secretName = ({ tenantId, keyId, secretId }: Identity): string =>
  `${tenantId}#${keyId}#${secretId}`;

function limitsPart({ limit, m, k }: GateItem, keyIds: readonly string[], now: number): Remembered {
  const month = monthOf(now / 1000);
  const keys = keyIds.map((keyId) => {
    const { T, bm, aat, tat, s } = k[keyId] as GateKey;
    return [keyId, { T, bm, aat, tat, s }];
  });
  return {
    limit,
    m: Object.hasOwn(m, month) ? { [month]: m[month] as number } : {},
    k: Object.fromEntries(keys),
  };
}
