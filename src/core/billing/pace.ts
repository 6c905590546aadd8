/** Time as a run has it: given, so that a test can let it pass. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  pause(ms: number): Promise<void>;
}

export interface Pace {
  /** Resolves when the next request may go out. */
  take(): Promise<void>;
  /** It is answered. */
  done(): void;
  /** The other side said that it is too fast. */
  slow(afterMs: number | null): void;
  /** It was taken. */
  faster(): void;
}

/** How far behind its rate a pace may catch up at once, ms: what timers are late. */
const CATCH_UP_MS = 50;
/** Where it starts looking for a rate when it has none and is told to slow down. */
const FIRST_GUESS = 100;

/** How soon a wait notices that the run ends, ms. */
const NOTICE_MS = 250;

/** Waits so long, or until the run ends. */
export async function waitFor(ms: number, { now, pause }: Clock, isEnding: () => boolean): Promise<void> {
  for (let left = ms; left > 0 && !isEnding(); ) {
    const slice = Math.min(left, NOTICE_MS);
    const begun = now();
    await pause(slice);
    // A clock that is set back meanwhile does not make the wait longer.
    left -= Math.max(slice, now() - begun);
  }
}

/**
 * At most `perSecond` requests a second (`null`: no limit until told so) and `concurrent` at a time. Once the run is
 * ending, nobody waits any more.
 */
export function createPace(
  perSecond: number | null,
  concurrent: number,
  clock: Clock,
  isEnding: () => boolean,
): Pace {
  const { now } = clock;
  const cap = perSecond ?? Number.POSITIVE_INFINITY;
  let rate = cap;
  let next = 0;
  let notBefore = 0;
  let slowedAt = 0;
  let seen = 0;
  let free = concurrent;
  const queue: (() => void)[] = [];

  return {
    async take() {
      if (free > 0) free--;
      else await new Promise<void>((go) => queue.push(go));
      const at = now();
      // Set back: what was reckoned by the later time says nothing.
      if (at < seen) [next, notBefore] = [at, at];
      seen = at;
      const slot = Math.max(next, at - CATCH_UP_MS, notBefore);
      next = slot + (rate === Number.POSITIVE_INFINITY ? 0 : 1000 / rate);
      await waitFor(Math.max(slot, notBefore) - now(), clock, isEnding);
    },
    done() {
      const go = queue.shift();
      if (go === undefined) free++;
      else go();
    },
    slow(afterMs) {
      const at = now();
      notBefore = Math.max(notBefore, at + (afterMs ?? 100));
      // One verdict on the rate for all that were on their way.
      if (at - slowedAt < 250) return;
      slowedAt = at;
      rate = Math.max(1, Math.min(rate, cap === Number.POSITIVE_INFINITY ? FIRST_GUESS : cap) * 0.8);
    },
    faster() {
      if (rate < cap) rate = Math.min(cap, rate * 1.01);
    },
  };
}
