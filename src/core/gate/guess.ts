import type { GateKey } from './layout.ts';
import type { Branch } from './request.ts';

/** What a sandbox remembers of a key's bucket. Times in epoch µs. */
export interface SeenBucket {
  tat: number;
  /** How far ahead other sandboxes may be kept, µs. */
  lead: number;
  /** Until when the key counts as used by several sandboxes: a while after a guess last went wrong. */
  sharedUntil: number;
  /** What was right the last time that nothing fresh was known. */
  stale: Branch;
}

export interface Guess {
  branch: Branch;
  lead: number;
}

/** How long a wrong guess is taken as a sign of other sandboxes, µs. */
const SHARED_FOR = 60_000_000;
/** The share of its burst that a shared key may lose to the lead. */
const LEAD_SHARE = 16;
/** Of the calls that could renew a lead, one in so many does: all at once would be wrong about each other. */
const RENEWALS = 16;

/**
 * The branch to try first. A wrong guess costs one more write unit, never a wrong answer. One sandbox alone
 * knows its `tat` and is always right. Among several the last `tat` seen is old, so a bucket about to be full
 * is put ahead by a `lead`: then "partly used" is the right guess for all of them until the lead is used up.
 * `draw`: a random number from 0 up to 1.
 */
export function guessBranch(seen: SeenBucket | undefined, now: number, draw: () => number): Guess {
  if (seen === undefined) return { branch: 'full', lead: 0 };
  const ahead = seen.tat - now;
  if (now >= seen.sharedUntil || seen.lead === 0) return { branch: ahead > 0 ? 'part' : 'full', lead: 0 };
  if (ahead <= 0) return { branch: seen.stale, lead: seen.lead };
  const renew = ahead < seen.lead / 2 && draw() * RENEWALS < 1;
  return { branch: renew ? 'full' : 'part', lead: seen.lead };
}

/** What to remember after a call at `now` whose first guess was `first` and whose right branch was `right`. */
export function learn(
  seen: SeenBucket | undefined,
  key: Pick<GateKey, 'T' | 'bm' | 'tat'>,
  { now, first, right }: { now: number; first: Branch; right: Branch },
): SeenBucket {
  const uncertain = seen !== undefined && seen.tat <= now;
  return {
    tat: key.tat,
    lead: leadOf(key),
    sharedUntil: first === right ? (seen?.sharedUntil ?? 0) : now + SHARED_FOR,
    stale: uncertain ? right : (seen?.stale ?? 'full'),
  };
}

function leadOf({ T, bm }: Pick<GateKey, 'T' | 'bm'>): number {
  return T === 0 ? 1_000_000 : Math.floor((bm / T + 2) / LEAD_SHARE) * T;
}
