import { SaasctlError } from '../errors.ts';
import { dangerousChanges, holdsData } from './danger.ts';
import {
  interruptedBefore,
  interruptedWhile,
  leftChangeSet,
  operationFailed,
  perhapsUnderWay,
  stackVanished,
  whileUnderWay,
  withHint,
  wouldReplace,
} from './failures.ts';
import { type Following, follow } from './follow.ts';
import { isPassing, patiently } from './patience.ts';
import type { Cloud, StackChange, StackKind, StackState } from './ports.ts';
import { checkReservation, reservationOf } from './preflight.ts';
import { clear, settle } from './settle.ts';
import { succeeded } from './states.ts';
import { executionToken, planToken } from './tokens.ts';
import { refuseDowngrade, VERSION_TAG } from './versions.ts';

export interface DeployRequest {
  name: string;
  kind: StackKind;
  body: string;
  parameters: Record<string, string>;
  tags: Record<string, string>;
  /** Whether tables, buckets and other user data may be removed or replaced; asked for all the same. */
  allowReplace: boolean;
  dryRun: boolean;
  importExisting: boolean;
  /** What the user types to run this again; `saasctl deploy --stack <name>` unless given. */
  command?: string;
}

export interface DeployQuestion {
  stack: string;
  create: boolean;
  /** `severe` where user data is removed or replaced. */
  danger: 'moderate' | 'severe';
  changes: readonly StackChange[];
  dangerous: readonly StackChange[];
}

export interface DeployHooks extends Following {
  /** Told once, before a question is asked or a dry run ends. */
  onChanges(changes: readonly StackChange[], dangerous: readonly StackChange[]): void | Promise<void>;
  /** Throws when the answer is no. */
  confirm(question: DeployQuestion): Promise<void>;
  /** Epoch ms. */
  now(): number;
}

export interface Deployed {
  stack: string;
  status: 'created' | 'updated' | 'unchanged' | 'planned';
  changes: StackChange[];
  outputs: Record<string, string>;
}

const PROTECTION = 'DeletionProtection';

/**
 * Brings a stack to what is asked: whatever an earlier run left is picked up or cleaned away, a change set is made,
 * shown, refused or confirmed, executed and followed. Throws a `SaasctlError` that says in which state the stack is;
 * the same call again finishes the job.
 */
export async function deployStack(cloud: Cloud, asked: DeployRequest, hooks: DeployHooks): Promise<Deployed> {
  const request = { ...asked, command: asked.command ?? `saasctl deploy --stack ${asked.name}` };
  const bare = unprotected(request);
  const { stacks } = cloud;
  const found = await settle(stacks, request, [planToken(request), planToken(bare)], hooks);
  if (found.state !== null) refuseDowngrade(found.state, request.tags[VERSION_TAG] ?? '');
  if (reservationOf(request.parameters) > reservationOf(found.state?.parameters ?? {})) {
    const { concurrency } = await patiently(hooks, () => cloud.account());
    checkReservation(await patiently(hooks, concurrency), request.parameters, found.state);
  }

  const isNew = found.state === null;
  const agreed = found.followed === 'created';
  const first = await change(cloud, isNew ? bare : request, { ...found, agreed }, hooks, request);
  if (first.status === 'planned') {
    return { stack: request.name, status: 'planned', changes: first.changes, outputs: first.outputs };
  }
  // A first creation that fails must be able to take its new tables away again, so they are protected after it.
  const protecting = { state: first.state, isEmpty: false, agreed: true };
  const last = isNew && bare !== request ? await change(cloud, request, protecting, hooks) : first;

  if (request.kind === 'core') {
    await patiently(hooks, () => stacks.protect(request.name, true)).catch((error: unknown) => {
      throw error instanceof SaasctlError
        ? withHint(
            error,
            `${request.name} is deployed and works; only its termination protection is missing`,
            request.command,
          )
        : error;
    });
  }
  const picked = found.followed === 'created' || first.status === 'unchanged' ? found.followed : null;
  const status = isNew ? 'created' : (picked ?? first.status);
  return { stack: request.name, status, changes: first.changes, outputs: last.outputs };
}

type Request = DeployRequest & { command: string };
type Changed = Deployed & { state: StackState | null };

/** The request without deletion protection, or itself where it has none. */
const unprotected = (request: Request): Request =>
  request.parameters[PROTECTION] === 'true'
    ? { ...request, parameters: { ...request.parameters, [PROTECTION]: 'false' } }
    : request;

interface Found {
  state: StackState | null;
  isEmpty: boolean;
  /** The change completes what was agreed to before, and asks nothing. */
  agreed: boolean;
}

const takesData = ({ action, type }: StackChange): boolean => action === 'Import' && holdsData(type);

/** One change set from its making to its end. Where it takes in what holds data, it is made of `full` instead. */
async function change(
  { stacks }: Cloud,
  request: Request,
  { state: before, isEmpty, agreed }: Found,
  hooks: DeployHooks,
  full: Request = request,
): Promise<Changed> {
  const { name, command } = request;
  const create = before === null;
  const plan = (wanted: Request) => {
    const { body, parameters, tags, importExisting } = wanted;
    if (hooks.signal.aborted) throw interruptedBefore(name, command);
    const token = planToken(wanted);
    return patiently(hooks, () =>
      stacks.plan({ stack: name, body, parameters, tags, create, importExisting, token }),
    );
  };
  let planned = await plan(request);
  let token = planToken(request);
  if (full !== request && planned !== 'unchanged' && planned.changes.some(takesData)) {
    // What earlier runs filled must not be said to be unprotected, not even for a moment.
    await discard(stacks, name, planned.id, false, hooks);
    planned = await plan(full);
    token = planToken(full);
  }
  if (planned === 'unchanged') {
    return { stack: name, status: 'unchanged', changes: [], outputs: before?.outputs ?? {}, state: before };
  }
  const { id, changes } = planned;
  const dangerous = dangerousChanges(changes);
  const asks = !agreed || dangerous.length > 0;
  const stopIfInterrupted = () => {
    if (hooks.signal.aborted) throw interruptedBefore(name, command);
  };
  let step: 'planned' | 'starting' | 'started' = 'planned';
  try {
    stopIfInterrupted();
    if (asks) await hooks.onChanges(changes, dangerous);
    if (!request.dryRun) {
      if (dangerous.length > 0 && !request.allowReplace) throw wouldReplace(name, dangerous, command);
      const danger = dangerous.length > 0 ? 'severe' : 'moderate';
      if (asks) await hooks.confirm({ stack: name, create, danger, changes, dangerous });
      stopIfInterrupted();
      const stack = before ?? (await patiently(hooks, () => stacks.describe(name)));
      if (stack === null) throw stackVanished(name, command);
      const operation = executionToken(token, id);
      step = 'starting';
      await execute(stacks, stack, id, operation, hooks);
      step = 'started';
      const state = await followed(stacks, stack, operation, request, hooks);
      return { stack: name, status: create ? 'created' : 'updated', changes, outputs: state.outputs, state };
    }
  } catch (error) {
    if (step === 'started') throw error;
    // Where nobody answers, it may have started all the same: then nothing is taken away.
    if (step === 'starting' && isPassing(error)) throw perhapsUnderWay(error, name, command);
    throw await discard(stacks, name, id, create && !isEmpty, hooks).then(
      () => error,
      (left: unknown) => leftChangeSet(error, id, left),
    );
  }
  await discard(stacks, name, id, create && !isEmpty, hooks);
  return { stack: name, status: 'planned', changes, outputs: before?.outputs ?? {}, state: before };
}

/** Starts a change set. An answer that got lost is looked up: the stack's newest operation carries our token. */
async function execute(
  stacks: Cloud['stacks'],
  stack: StackState,
  changeSet: string,
  operation: string,
  hooks: DeployHooks,
): Promise<void> {
  await patiently(hooks, async () => {
    try {
      await stacks.execute(stack.name, changeSet, operation);
    } catch (error) {
      if ((await stacks.operation(stack.id).catch(() => null)) !== operation) throw error;
    }
  });
}

async function followed(
  stacks: Cloud['stacks'],
  stack: StackState,
  operation: string,
  { name, command }: Request,
  hooks: DeployHooks,
): Promise<StackState> {
  const ended = await follow(stacks, stack, operation, hooks).catch((error: unknown) => {
    throw hooks.signal.aborted ? interruptedWhile(name, command) : whileUnderWay(error, name, command);
  });
  if (ended.interrupted) throw interruptedWhile(name, command);
  if (ended.state === null) throw stackVanished(name, command);
  if (!succeeded(ended.state.status)) throw operationFailed(ended.state, ended.failure, command);
  return ended.state;
}

/** Takes back a change set, and the empty stack that was made for it. */
async function discard(
  stacks: Cloud['stacks'],
  name: string,
  changeSet: string,
  madeStack: boolean,
  hooks: DeployHooks,
): Promise<void> {
  // An interrupt is why this runs: it must not cut it short.
  const waiting = { ...hooks, signal: new AbortController().signal };
  await patiently(waiting, () => stacks.discard(name, changeSet));
  const empty = madeStack ? await patiently(waiting, () => stacks.describe(name)) : null;
  if (empty?.status === 'REVIEW_IN_PROGRESS') await clear(stacks, empty, waiting);
}
