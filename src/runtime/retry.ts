import type { ItemReply } from './wire/items.ts';
import type { Item } from './wire/marshal.ts';

/** How often a call may be sent again, by what it came to. A kind that is not named is never repeated. */
export interface RetryBudget {
  /** Throttled, or in conflict with a transaction: provably not applied. */
  contended?: number;
  /** No connection stood: provably not applied. */
  unreachable?: number;
  /** May have been applied: for reads only. */
  ambiguous?: number;
}

/** Waits `ms`; passed in, so that tests need not. */
export type Pause = (ms: number) => Promise<void>;

const FIRST_PAUSE_MS = 10;

/** Sends until an answer or the end of `budget`, which is used up as it goes: one budget serves one API call. */
export async function retrying<Found extends Item | null>(
  send: () => Promise<ItemReply<Found>>,
  budget: RetryBudget,
  pause: Pause,
): Promise<ItemReply<Found>> {
  for (let wait = FIRST_PAUSE_MS; ; wait *= 2) {
    const reply = await send();
    const kind = retryKind(reply);
    if (kind === null || !budget[kind]) return reply;
    budget[kind] -= 1;
    // Full jitter, so that callers who collided do not collide again.
    if (kind === 'contended') await pause(Math.random() * wait);
  }
}

function retryKind(reply: ItemReply): keyof RetryBudget | null {
  if (reply.kind === 'ambiguous') return 'ambiguous';
  if (reply.kind !== 'not_applied' || reply.reason === 'rejected') return null;
  return reply.reason === 'unreachable' ? 'unreachable' : 'contended';
}
