import { createLru } from './lru.ts';
import type { Outcome } from './outcome.ts';

/** What to answer when a call may or may not have been counted. */
export type AmbiguousPolicy = 'deny' | 'allow';

/** How long `allow` trusts a key after it last passed, µs. */
const TRUST = 60_000_000;

/** Remembers which keys passed lately, for the policy `allow`; under `deny` it trusts nobody. */
interface Trust {
  /** Notes what the gate said of a key, by its hash. Only the gate's own word, never an answer given on trust. */
  note(hash: string, outcome: Outcome, now: number): void;
  /** The answer for a key whose call may have been counted, or `null` when nothing vouches for it. */
  vouch(hash: string, now: number): Outcome | null;
}

export function createTrust(policy: AmbiguousPolicy, max: number): Trust {
  const passed = createLru<{ at: number; outcome: Outcome }>(max);
  return {
    note(hash, outcome, now) {
      if (policy !== 'allow') return;
      // What is left of the limits is not known after a call that may have counted, so no headers.
      if (outcome.outcome === 'allowed')
        passed.set(hash, { at: now, outcome: { ...outcome, headers: null } });
      else passed.delete(hash);
    },
    vouch(hash, now) {
      const last = passed.get(hash);
      return last !== undefined && now >= last.at && now - last.at <= TRUST ? last.outcome : null;
    },
  };
}
