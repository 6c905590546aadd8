import { SaasctlError } from '../errors.ts';
import { holdsData } from './danger.ts';
import {
  failedBefore,
  halfDestroyed,
  interruptedWhile,
  operationFailed,
  stackBusy,
  stackStuck,
  stackTaken,
  whileUnderWay,
} from './failures.ts';
import { type Following, follow } from './follow.ts';
import { patiently } from './patience.ts';
import type { StackState, Stacks } from './ports.ts';
import { isOwn, STACK_TAG, TENANT_TAG } from './profile-stacks.ts';
import { standingOf, succeeded } from './states.ts';
import { cleaningToken, isCleaning, isExecutionOf } from './tokens.ts';

interface Wanted {
  name: string;
  tags: Record<string, string>;
  dryRun: boolean;
  command: string;
}

export interface Settled {
  /** Ready to be changed; `null`: to be created. */
  state: StackState | null;
  /** What an earlier run of the same change, picked up, came to. */
  followed: 'created' | 'updated' | null;
  /** Whether an empty stack is there that a dry run must leave. */
  isEmpty: boolean;
}

/**
 * Deals with whatever an earlier run left of a stack, until it can be changed or created. `mine`: the names of the
 * change sets that this run would make; one that is being executed is followed, anybody else's refused. Throws
 * `stack_taken`, `stack_busy`, `stack_stuck`, `half_destroyed`, or what an operation that was followed failed of.
 */
export async function settle(
  stacks: Stacks,
  wanted: Wanted,
  mine: readonly string[],
  hooks: Following,
): Promise<Settled> {
  const { name, tags, command, dryRun } = wanted;
  const owner = { stack: tags[STACK_TAG] ?? name, tenantId: tags[TENANT_TAG] ?? null };
  const note = (text: string) => hooks.onNote?.(text);
  let followedTo: Settled['followed'] = null;

  async function followed(state: StackState, operation: string | null): Promise<StackState | null> {
    const ended = await follow(stacks, state, operation, hooks).catch((error: unknown) => {
      throw whileUnderWay(error, name, command);
    });
    if (ended.interrupted) throw interruptedWhile(name, command);
    if (
      operation !== null &&
      !isCleaning(operation) &&
      ended.state !== null &&
      !succeeded(ended.state.status)
    ) {
      throw operationFailed(ended.state, ended.failure, command);
    }
    return ended.state;
  }

  for (;;) {
    const state = await patiently(hooks, () => stacks.describe(name));
    if (state === null) return { state, followed: followedTo, isEmpty: false };
    const standing = standingOf(state.status);
    // One that is being deleted is waited for or refused, and never touched.
    if (standing !== 'deleting' && !isOwn(state, owner)) throw stackTaken(state, owner);
    if (standing === 'ready') return { state, followed: followedTo, isEmpty: false };
    if (standing === 'stuck') throw stackStuck(state);
    if (standing === 'empty') {
      // A dry run plans on top of it, and leaves it.
      if (dryRun) return { state: null, followed: null, isEmpty: true };
      note(`${name} was planned and never created: what is left of it is deleted`);
      await clear(stacks, state, hooks);
    } else if (
      standing === 'unborn' ||
      (standing === 'undeletable' && !(await wasBorn(stacks, state, hooks)))
    ) {
      if (dryRun) throw failedBefore(state, command);
      note(`${name} is ${state.status} from a creation that failed: it is deleted and created again`);
      await clear(stacks, state, hooks);
    } else if (standing === 'undeletable') {
      throw halfDestroyed(state);
    } else if (standing === 'settling') {
      if (dryRun) throw stackBusy(state, command);
      note(`${name} is ${state.status}: waiting for its end`);
      await followed(state, null);
    } else {
      const operation = await patiently(hooks, () => stacks.operation(state.id));
      const own =
        standing === 'deleting' ? isCleaning(operation) : mine.some((plan) => isExecutionOf(operation, plan));
      if (!own || dryRun) throw stackBusy(state, command);
      note(`${name} is ${state.status} by an earlier run: picked up`);
      await followed(state, operation);
      if (standing === 'changing') followedTo = state.status === 'CREATE_IN_PROGRESS' ? 'created' : 'updated';
    }
    if (hooks.signal.aborted) throw interruptedWhile(name, command);
  }
}

/**
 * Whether a stack was ever created whole; what was not holds nothing of anybody's. Events are kept for 90 days: one
 * whose beginning is no more among them is older than that, and counts as born.
 */
async function wasBorn(stacks: Stacks, { id }: StackState, hooks: Following): Promise<boolean> {
  const events = await patiently(hooks, () => stacks.events(id, null));
  const own = events.filter(({ type }) => type === 'AWS::CloudFormation::Stack').map(({ status }) => status);
  return (
    own.some((status) => /^(CREATE|IMPORT)_COMPLETE$/.test(status)) ||
    !own.some((status) => /^(REVIEW|CREATE)_IN_PROGRESS$/.test(status))
  );
}

/**
 * Deletes what is left of a stack that never came about, and waits until it is gone. Tables and buckets that do not
 * let themselves be deleted are left where they are: the next creation takes them in by their names.
 */
export async function clear(stacks: Stacks, state: StackState, hooks: Following): Promise<void> {
  const newest = await patiently(hooks, () => stacks.operation(state.id));
  const token = cleaningToken(state, newest);
  await patiently(hooks, () => stacks.remove(state.id, token));
  const ended = await follow(stacks, state, token, hooks);
  if (ended.state?.status !== 'DELETE_FAILED') return;
  const failed = (await patiently(hooks, () => stacks.resources(state.id))).filter(
    ({ status }) => status === 'DELETE_FAILED',
  );
  if (failed.length > 0 && failed.every(({ type }) => holdsData(type))) {
    const retain = failed.map(({ logicalId }) => logicalId);
    const again = `${token}-retain`;
    await patiently(hooks, () => stacks.remove(state.id, again, retain));
    const second = await follow(stacks, state, again, hooks);
    if (second.state?.status !== 'DELETE_FAILED') return;
  }
  const { failure } = ended;
  throw new SaasctlError({
    code: 'not_cleaned',
    category: 'remote',
    message: `what a failed creation left of ${state.name} could not be deleted: ${failure?.logicalId ?? state.name}: ${failure?.reason ?? ended.state.reason ?? 'no reason was given'}`,
    hint: 'nothing lives in it; mend what the reason names, and the same command goes on',
    next: `aws cloudformation describe-stack-events --stack-name ${state.name}`,
  });
}
