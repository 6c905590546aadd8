import { SaasctlError } from '../errors.ts';
import { mayHoldData } from './danger.ts';
import { patiently, type Waiting } from './patience.ts';
import type { StackState, Stacks } from './ports.ts';

export interface LeftBehind {
  stack: string;
  logicalId: string;
  physicalId: string;
  type: string;
}

/** What becomes of a stack's resources when it is deleted. */
export interface Fate {
  /** Retained by the template that is deployed. */
  keeps: LeftBehind[];
  /** Holds data, and goes with the stack. */
  loses: LeftBehind[];
}

/** Reads what a stack's deletion would leave, and which data would go, from its own deployed template. */
export async function fateOf(stacks: Stacks, { name, id }: StackState, waiting: Waiting): Promise<Fate> {
  const living = (await patiently(waiting, () => stacks.resources(id)))
    .filter(({ status }) => status !== 'DELETE_COMPLETE')
    .map(({ status, ...resource }) => ({ status, left: { stack: name, ...resource } }));
  // A stack that was planned and never made has no template either.
  if (living.length === 0) return { keeps: [], loses: [] };
  const retained = await patiently(waiting, () => stacks.retained(id));
  const stays = ({ status, left }: (typeof living)[number]): boolean =>
    status === 'DELETE_SKIPPED' || retained.has(left.logicalId);
  return {
    keeps: living.filter(stays).map(({ left }) => left),
    loses: living.filter((one) => !stays(one) && mayHoldData(one.left.type)).map(({ left }) => left),
  };
}

/**
 * Refuses to delete data that a template does not retain; `name` is what the user destroys to do it all the same.
 * Throws `would_delete_data` (category conflict).
 */
export function refuseLoss(loses: readonly LeftBehind[], name: string): void {
  // A queue is told of and no obstacle: its messages were on their way, and the shipped dead-letter queue is one.
  const stored = loses.filter(({ type }) => type !== 'AWS::SQS::Queue');
  if (stored.length === 0) return;
  const named = stored.map(({ logicalId, physicalId, type }) => `${logicalId} (${type} ${physicalId})`);
  throw new SaasctlError({
    code: 'would_delete_data',
    category: 'conflict',
    message: `deleting ${stored[0]?.stack} would delete ${named.join(', ')} with all that is in there`,
    hint: 'its template does not retain it: put "DeletionPolicy: RetainExceptOnCreate" there and deploy, and it stays; nothing was changed',
    next: `saasctl destroy ${name} --delete-data`,
  });
}
