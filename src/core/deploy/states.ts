/**
 * What a stack's status means for a deploy.
 * `empty`: a change set was made for a stack that never came about.
 * `unborn`: the first creation failed; the stack can only be deleted.
 * `ready`: it can be changed.
 * `changing`: an operation runs. `settling`: one rolls back or cleans up. `deleting`: it is being deleted.
 * `undeletable`: a deletion failed. `stuck`: a rollback failed; only its owner can say how to go on.
 */
export type Standing =
  | 'empty'
  | 'unborn'
  | 'ready'
  | 'changing'
  | 'settling'
  | 'deleting'
  | 'undeletable'
  | 'stuck';

/** Every status of the API but DELETE_COMPLETE, which is no stack (API reference, `StackStatus`). */
export const STANDINGS: Readonly<Record<string, Standing>> = {
  REVIEW_IN_PROGRESS: 'empty',
  CREATE_FAILED: 'unborn',
  ROLLBACK_COMPLETE: 'unborn',
  ROLLBACK_FAILED: 'unborn',
  CREATE_COMPLETE: 'ready',
  UPDATE_COMPLETE: 'ready',
  UPDATE_FAILED: 'ready',
  UPDATE_ROLLBACK_COMPLETE: 'ready',
  IMPORT_COMPLETE: 'ready',
  IMPORT_ROLLBACK_COMPLETE: 'ready',
  CREATE_IN_PROGRESS: 'changing',
  UPDATE_IN_PROGRESS: 'changing',
  IMPORT_IN_PROGRESS: 'changing',
  ROLLBACK_IN_PROGRESS: 'settling',
  UPDATE_ROLLBACK_IN_PROGRESS: 'settling',
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: 'settling',
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: 'settling',
  IMPORT_ROLLBACK_IN_PROGRESS: 'settling',
  DELETE_IN_PROGRESS: 'deleting',
  DELETE_FAILED: 'undeletable',
  UPDATE_ROLLBACK_FAILED: 'stuck',
  IMPORT_ROLLBACK_FAILED: 'stuck',
};

/** A status that is not known yet is left alone. */
export const standingOf = (status: string): Standing => STANDINGS[status] ?? 'stuck';

/** Whether an operation that ended so did what was asked. */
export const succeeded = (status: string): boolean => /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status);

export const isUnderWay = (status: string): boolean => status.endsWith('_IN_PROGRESS');
