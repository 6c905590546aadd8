import type { Branch } from './request.ts';

/**
 * The branch to try first, from the `tat` (epoch µs) last seen on the key, if any. A wrong guess costs one
 * more write unit, never a wrong answer.
 */
export function guessBranch(lastTat: number | undefined, now: number): Branch {
  return lastTat !== undefined && lastTat > now ? 'part' : 'full';
}
