import { createHash } from 'node:crypto';
import type { PlanRequest, StackState } from './ports.ts';

const MINE = 'saasctl-';

/**
 * The name of a change set: the same for the same template, parameters and tags, so that a run that was interrupted
 * is known again. At most 128 characters of `[A-Za-z0-9-]`, as CloudFormation demands.
 */
export function planToken({
  body,
  parameters,
  tags,
}: Pick<PlanRequest, 'body' | 'parameters' | 'tags'>): string {
  const sorted = (record: Record<string, string>) =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  const content = JSON.stringify([body, sorted(parameters), sorted(tags)]);
  return `${MINE}${createHash('sha256').update(content).digest('hex').slice(0, 32)}`;
}

const lastPart = (arn: string): string =>
  arn
    .split('/')
    .at(-1)
    ?.replace(/[^A-Za-z0-9-]/g, '') ?? '';

/** The client request token of an execution: a stack that goes back to an earlier state needs another one. */
export const executionToken = (plan: string, changeSet: string): string =>
  `${plan}-${lastPart(changeSet)}`.slice(0, 128);

/** Whether an operation executes a change set of this name. */
export const isExecutionOf = (operation: string | null, plan: string): boolean =>
  operation?.startsWith(`${plan}-`) === true;

const CLEANING = `${MINE}clean-`;

/**
 * A deletion that failed is asked for again under another token: one that an operation has had is refused, or shows the
 * events of that one. `newest`: of the operation before.
 */
const deletionToken = (kind: string, { id }: Pick<StackState, 'id'>, newest: string | null): string =>
  `${kind}${lastPart(id)}-${createHash('sha256')
    .update(newest ?? '')
    .digest('hex')
    .slice(0, 12)}`;

export const destroyToken = (state: Pick<StackState, 'id'>, newest: string | null): string =>
  deletionToken(`${MINE}destroy-`, state, newest);

/** The token of the deletion of what a failed creation left. */
export const cleaningToken = (state: Pick<StackState, 'id'>, newest: string | null): string =>
  deletionToken(CLEANING, state, newest);

export const isCleaning = (operation: string | null): boolean => operation?.startsWith(CLEANING) === true;
