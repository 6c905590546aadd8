import { createLru } from './lru.ts';
import type { Outcome } from './outcome.ts';

/** What to answer when a call may or may not have been counted. */
export type AmbiguousPolicy = 'deny' | 'allow';

/** How long `allow` trusts a key after it last passed, µs. */
const TRUST = 60_000_000;

/** Remembers which keys passed lately, for the policy `allow`; under `deny` it trusts nobody. */
interface Trust {
  /** Notes that a secret passed, or did not (`null`). Only the gate's own word, never an answer given on trust. */
  note(secret: string, outcome: (Outcome & { outcome: 'allowed' }) | null, now: number): void;
  /** The answer for a secret whose call may have been counted, or `null` when nothing vouches for it. */
  vouch(secret: string, now: number): Outcome | null;
}

export function createTrust(policy: AmbiguousPolicy, max: number): Trust {
  const passed = createLru<{ at: number; outcome: Outcome }>(max);
  return {
    note(secret, outcome, now) {
      if (policy !== 'allow') return;
      // What is left of the limits is not known after a call that may have counted, so no headers.
      if (outcome === null) passed.delete(secret);
      else passed.set(secret, { at: now, outcome: { ...outcome, headers: null } });
    },
    vouch(secret, now) {
      const last = passed.get(secret);
      return last !== undefined && now >= last.at && now - last.at <= TRUST ? last.outcome : null;
    },
  };
}
