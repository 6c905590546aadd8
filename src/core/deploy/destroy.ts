import { SaasctlError } from '../errors.ts';
import { destroyFailed, interruptedBefore, interruptedWhile, stackBusy, whileUnderWay } from './failures.ts';
import { type Following, follow } from './follow.ts';
import { patiently } from './patience.ts';
import type { Cloud, StackState } from './ports.ts';
import { destroyOrder, kindOf, ownStacks } from './profile-stacks.ts';
import { fateOf, type LeftBehind, refuseLoss } from './retention.ts';
import { standingOf } from './states.ts';
import { destroyToken } from './tokens.ts';

export interface DestroyRequest {
  /** The stack to delete; the profile's own stands for all that belongs to it. */
  name: string;
  /** The profile's `stack`. */
  stack: string;
  dryRun: boolean;
  /** Whether data goes that the template does not retain; asked for all the same. */
  deleteData?: boolean;
  /** SSM parameters to look for, and to name where they are left. */
  secrets?: readonly string[];
  /** What the user types to run this again; `saasctl destroy <name>` unless given. */
  command?: string;
}

export interface DestroyHooks extends Following {
  /** `keeps` is retained, `loses` is data that goes. Throws when the answer is no. */
  confirm(question: {
    stacks: readonly string[];
    keeps: readonly LeftBehind[];
    loses: readonly LeftBehind[];
  }): Promise<void>;
  /** A stack is gone, whatever comes of those after it. */
  onDeleted?(stack: string): void;
}

export interface Destroyed {
  stack: string;
  /** `absent`: there was nothing to delete. */
  status: 'deleted' | 'absent' | 'planned';
  /** What was deleted, or would be, in that order. */
  stacks: string[];
  /** What is still there, or would be: retained tables and buckets, secrets. */
  left: LeftBehind[];
  /** Data that was deleted with its stack, or would be. */
  lost: LeftBehind[];
}

/**
 * Deletes stacks in the order that they rely on each other, after the confirmation. What their deployed templates
 * retain is left, and named; data that they do not retain goes with `deleteData` alone. A stack that is being deleted
 * is followed, one whose deletion failed is deleted again. Throws `tenants_left`, `stacks_left`, `stack_taken`,
 * `would_delete_data`, `stack_busy`, or what the deletion failed of.
 */
export async function destroyStack(
  cloud: Cloud,
  asked: DestroyRequest,
  hooks: DestroyHooks,
): Promise<Destroyed> {
  const { stacks } = cloud;
  const request = { ...asked, command: asked.command ?? `saasctl destroy ${asked.name}` };
  const living = await patiently(hooks, () => stacks.list(request.stack));
  const order = destroyOrder(request.stack, request.name, living);
  if (request.name === request.stack) noteOthers(request.stack, living, hooks);
  const names = order.map(({ name }) => name);
  if (order.length === 0) return { stack: request.name, status: 'absent', stacks: [], left: [], lost: [] };
  const keeps: LeftBehind[] = [];
  const lost: LeftBehind[] = [];
  for (const state of order) {
    const fate = await fateOf(stacks, state, hooks);
    keeps.push(...fate.keeps);
    lost.push(...fate.loses);
    // What is being deleted already was agreed to.
    if (!request.dryRun && request.deleteData !== true && standingOf(state.status) !== 'deleting')
      refuseLoss(fate.loses, request.name);
  }
  if (request.dryRun) return { stack: request.name, status: 'planned', stacks: names, left: keeps, lost };
  await hooks.confirm({ stacks: names, keeps, loses: lost });

  const left: LeftBehind[] = [];
  for (const state of order) {
    left.push(...(await deleteOne(cloud, state, request, hooks)));
    hooks.onDeleted?.(state.name);
  }
  for (const name of request.secrets ?? []) {
    // All is deleted by now: one that cannot be looked up is named too, and is no failure.
    const there = await patiently(hooks, () => cloud.secrets.exists(name)).catch((error: unknown) => {
      if (error instanceof SaasctlError) return true;
      throw error;
    });
    if (!there) continue;
    left.push({ stack: request.stack, logicalId: name, physicalId: name, type: 'AWS::SSM::Parameter' });
  }
  return { stack: request.name, status: 'deleted', stacks: names, left, lost };
}

function noteOthers(stack: string, living: readonly StackState[], { onNote }: DestroyHooks): void {
  const own = new Set(ownStacks(stack, living));
  for (const state of living) {
    if (kindOf(stack, state.name) !== null && !own.has(state))
      onNote?.(`${state.name} is not this profile’s, by its tags: it is left alone`);
  }
}

async function deleteOne(
  { stacks }: Cloud,
  state: StackState,
  { stack, command }: DestroyRequest & { command: string },
  hooks: DestroyHooks,
): Promise<LeftBehind[]> {
  const { name, id } = state;
  if (hooks.signal.aborted) throw interruptedBefore(name, command);
  const standing = standingOf(state.status);
  if (standing === 'changing' || standing === 'settling') throw stackBusy(state, command);
  let token = await patiently(hooks, () => stacks.operation(id));
  const before = await patiently(hooks, () => stacks.resources(id));
  if (standing !== 'deleting') {
    const fresh = destroyToken(state, token);
    // On since the first deploy; nobody has been asked before this point.
    if (name === stack) await patiently(hooks, () => stacks.protect(id, false));
    await patiently(hooks, () => stacks.remove(id, fresh));
    token = fresh;
  } else hooks.onNote?.(`${name} is being deleted already: picked up`);
  const skipped = new Set<string>();
  const watching: Following = {
    ...hooks,
    onEvent(event) {
      if (event.status === 'DELETE_SKIPPED') skipped.add(event.logicalId);
      hooks.onEvent(event);
    },
  };
  const ended = await follow(stacks, state, token, watching).catch((error: unknown) => {
    throw hooks.signal.aborted ? interruptedWhile(name, command) : whileUnderWay(error, name, command);
  });
  if (ended.interrupted) throw interruptedWhile(name, command);
  if (ended.state !== null) throw destroyFailed(ended.state, ended.failure, command);
  return before
    .filter(({ logicalId, status }) => skipped.has(logicalId) || status === 'DELETE_SKIPPED')
    .map(({ status: _, ...resource }) => ({ stack: name, ...resource }));
}
