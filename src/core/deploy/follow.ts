import { patiently, rest, type Waiting } from './patience.ts';
import type { StackEvent, StackState, Stacks } from './ports.ts';
import { isUnderWay } from './states.ts';

export interface Following extends Waiting {
  onEvent(event: StackEvent): void;
}

export interface Ended {
  /** `null`: the stack is gone. */
  state: StackState | null;
  /** The first event that says why something failed: a resource's, or where none does the stack's own. */
  failure: StackEvent | null;
  interrupted: boolean;
}

const POLL_MS = 3_000;
/** An operation that was accepted shows within seconds; after this many looks the stack's status is believed. */
const LOOKS = 10;

/**
 * Follows the operation with this token to its end, whoever began it, and tells its events, those from before
 * included. An interrupt ends the following, never the operation. `token` null: whatever runs.
 */
export async function follow(
  stacks: Stacks,
  stack: StackState,
  token: string | null,
  hooks: Following,
): Promise<Ended> {
  let last: string | null = null;
  let failure: StackEvent | null = null;
  let verdict: StackEvent | null = null;
  let seen = token === null;
  const newEvents = async (state: StackState | null): Promise<StackEvent[]> => {
    if (token === null) return [];
    const asked = patiently(hooks, () => stacks.events(stack.id, last, token));
    // An empty stack that is deleted leaves nothing to ask about.
    return state === null ? asked.catch(() => []) : asked;
  };
  for (let looks = 1; ; looks++) {
    // The status first: what it says is then among the events that follow.
    const state = await patiently(hooks, () => stacks.describe(stack.id));
    const running = state !== null && isUnderWay(state.status) && state.status !== 'REVIEW_IN_PROGRESS';
    for (const event of await newEvents(state)) {
      hooks.onEvent(event);
      last = event.id;
      if (isCause(event)) failure ??= event;
      if (isVerdict(event)) verdict ??= event;
    }
    seen ||= last !== null || running;
    // A status from before the operation is no end of it.
    if (state === null || (!running && (seen || looks > LOOKS)))
      return { state, failure: failure ?? verdict, interrupted: false };
    await rest(POLL_MS, hooks);
    if (hooks.signal.aborted) return { state, failure: failure ?? verdict, interrupted: true };
  }
}

const OWN = 'AWS::CloudFormation::Stack';

/** What is cancelled fails because something else did. */
const isCause = ({ status, reason, type }: StackEvent): boolean =>
  /_FAILED$/.test(status) && type !== OWN && !/cancelled/i.test(reason ?? '');

/** Where no resource was touched yet, only the stack itself says why it failed. */
const isVerdict = ({ status, reason, type }: StackEvent): boolean =>
  type === OWN && reason !== null && /_FAILED$|ROLLBACK_IN_PROGRESS$/.test(status);
