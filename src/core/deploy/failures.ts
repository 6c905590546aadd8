import { SaasctlError } from '../errors.ts';
import type { StackChange, StackEvent, StackState } from './ports.ts';
import type { Owner } from './profile-stacks.ts';

const regionOf = ({ id }: StackState): string => id.split(':')[3] || 'us-east-1';
const aws = (state: StackState, command: string): string =>
  `aws cloudformation ${command} --stack-name ${state.name} --region ${regionOf(state)}`;

const because = (reason: string | null): string => (reason ? `: ${reason.replace(/\.$/, '')}` : '');

/** An operation that ended otherwise than asked: what failed first, why, and what is left. */
export function operationFailed(state: StackState, first: StackEvent | null, command: string): SaasctlError {
  const reason = first?.reason ?? state.reason;
  const what = first === null ? state.status : `${first.logicalId} (${first.type}) ${first.status}`;
  const denied = /not authorized to perform|AccessDenied|access denied/i.test(reason ?? '');
  return new SaasctlError({
    code: denied ? 'deploy_denied' : 'deploy_failed',
    category: denied ? 'auth' : 'remote',
    message: `${state.name} failed at ${what}${because(reason)}`,
    hint: `${leftBehind(state.status)}${advice(reason ?? '', first?.type ?? '')}`,
    next: /_FAILED$/.test(state.status) ? aws(state, 'describe-stack-events') : command,
  });
}

function leftBehind(status: string): string {
  if (/^UPDATE_ROLLBACK_COMPLETE/.test(status)) return 'CloudFormation went back to what ran before';
  if (/^(ROLLBACK_COMPLETE|CREATE_FAILED|ROLLBACK_FAILED)$/.test(status))
    return 'nothing of the stack runs; once the cause is mended, the same command deletes what is left and creates it again';
  return `the stack is ${status}`;
}

/** What to do about a reason of CloudFormation's, to end a hint with; empty where nothing is known. */
export function advice(reason: string, type: string): string {
  if (type === 'AWS::S3::Bucket' && /already exists|not available|already own/i.test(reason))
    return '; bucket names are shared by all accounts: name another in deploy.codeBucket of the profile';
  if (/already exists/i.test(reason)) return '; something of that name was there before this stack';
  if (/not authorized to perform|AccessDenied/i.test(reason))
    return '; CloudFormation acts with the permissions of whoever deploys';
  if (/limit exceeded|quota|UnreservedConcurrentExecution/i.test(reason))
    return '; the account’s quota is too small: see Service Quotas in the console';
  return '';
}

/** A stack of the right name that is somebody else’s. */
export const stackTaken = (state: StackState, { stack, tenantId }: Owner): SaasctlError =>
  new SaasctlError({
    code: 'stack_taken',
    category: 'conflict',
    message: `the stack ${state.name} is there, and is not ${tenantId === null ? 'this profile’s' : 'the tenant’s'}`,
    hint: `it lacks the ${tenantId === null ? `tag saasctl-stack=${stack}` : `tags saasctl-stack=${stack} and saasctl-tenant=${tenantId}`}; it was left alone`,
    next: aws(state, 'describe-stacks'),
  });

/** Somebody else’s operation: never waited for, since what it does is not what was asked. */
export const stackBusy = (state: StackState, command: string): SaasctlError =>
  new SaasctlError({
    code: 'stack_busy',
    category: 'conflict',
    message: `${state.name} is ${state.status}: another change of it is under way`,
    hint: 'nothing was changed by this command; it can be run again once the other change has ended',
    next:
      state.status === 'DELETE_IN_PROGRESS'
        ? `${aws(state, 'wait stack-delete-complete')} && ${command}`
        : aws(state, 'describe-stack-events'),
    retryable: true,
  });

/** A rollback that failed: only its owner knows which resources may be skipped. */
export const stackStuck = (state: StackState): SaasctlError =>
  new SaasctlError({
    code: 'stack_stuck',
    category: 'conflict',
    message: `${state.name} is ${state.status}${because(state.reason)}`,
    hint: 'CloudFormation could not go back by itself: mend what the reason names, let it go on, then deploy again; nothing was changed by this command',
    next: aws(
      state,
      state.status === 'UPDATE_ROLLBACK_FAILED' ? 'continue-update-rollback' : 'describe-stack-events',
    ),
  });

/** A deletion that failed of a stack that once worked. */
export const halfDestroyed = (state: StackState): SaasctlError =>
  new SaasctlError({
    code: 'half_destroyed',
    category: 'conflict',
    message: `${state.name} is DELETE_FAILED${because(state.reason)}`,
    hint: 'a stack whose deletion has begun cannot be updated: finish it, then deploy; retained tables are taken in again',
    next: `saasctl destroy ${state.name}`,
  });

/** What a dry run cannot show without deleting something first. */
export const failedBefore = (state: StackState, command: string): SaasctlError =>
  new SaasctlError({
    code: 'failed_creation',
    category: 'conflict',
    message: `${state.name} is ${state.status}: its first creation failed${because(state.reason)}`,
    hint: 'a dry run leaves it as it is; the deploy deletes it, nothing lives in it, and creates it again',
    next: command,
  });

export const wouldReplace = (stack: string, changes: readonly StackChange[], command: string): SaasctlError =>
  new SaasctlError({
    code: 'would_replace',
    category: 'conflict',
    message: `${stack}: the change would remove or replace ${changes.map(shown).join(', ')}`,
    hint: 'data is in there; nothing was changed',
    next: `${command} --allow-replace`,
  });

const shown = ({ logicalId, type, action, replacement }: StackChange): string => {
  const how = action === 'Remove' ? 'removed' : replacement === 'True' ? 'replaced' : 'perhaps replaced';
  return `${logicalId} (${type}, ${how})`;
};

/** A deletion that failed: what stands in its way, and that it can be asked for again. */
export function destroyFailed(state: StackState, first: StackEvent | null, command: string): SaasctlError {
  const what = first === null ? '' : ` at ${first.logicalId} (${first.type})`;
  return new SaasctlError({
    code: 'destroy_failed',
    category: 'partial',
    message: `${state.name} could not be deleted whole; it failed${what}${because(first?.reason ?? state.reason)}`,
    hint: 'the rest of it is deleted; once the cause is mended, the same command goes on',
    next: command,
    retryable: true,
  });
}

/** Interrupted before anything was executed. */
export const interruptedBefore = (stack: string, command: string): SaasctlError =>
  new SaasctlError({
    code: 'interrupted',
    category: 'interrupted',
    message: `interrupted; ${stack} was not changed`,
    next: command,
  });

/** Interrupted while CloudFormation works: it cannot be called back. */
export const interruptedWhile = (stack: string, command: string): SaasctlError =>
  new SaasctlError({
    code: 'interrupted',
    category: 'interrupted',
    message: `interrupted; CloudFormation goes on with ${stack}`,
    hint: 'the same command picks it up and follows it to its end',
    next: command,
  });

/** An error that came while CloudFormation works, with that said. */
export function whileUnderWay(error: unknown, stack: string, command: string): unknown {
  if (!(error instanceof SaasctlError) || error.category === 'interrupted') return error;
  return withHint(error, `CloudFormation goes on with ${stack}; the same command picks it up`, command);
}

/** An error that leaves open whether an execution was begun. */
export const perhapsUnderWay = (error: unknown, stack: string, command: string): unknown =>
  error instanceof SaasctlError
    ? withHint(
        error,
        `whether ${stack} is being changed is not known; the same command finds out and goes on`,
        command,
      )
    : error;

/** An error after which not even the change set could be taken back. */
export function leftChangeSet(error: unknown, changeSet: string, why: unknown): unknown {
  if (!(error instanceof SaasctlError)) return error;
  const reason = why instanceof Error ? why.message : String(why);
  return withHint(
    error,
    `the change set ${changeSet} was left behind (${reason}); it does nothing, and the next deploy replaces it`,
  );
}

export const stackVanished = (stack: string, command: string): SaasctlError =>
  new SaasctlError({
    code: 'stack_vanished',
    category: 'conflict',
    message: `${stack} was deleted by somebody else meanwhile`,
    next: command,
  });

/** The same error with more to know; its own hint comes first. */
export function withHint(error: SaasctlError, hint: string, next: string | null = error.next): SaasctlError {
  const { code, category, message, retryable, requestId } = error;
  return new SaasctlError({
    code,
    category,
    message,
    hint: error.hint === null ? hint : `${error.hint}; ${hint}`,
    next: next ?? undefined,
    retryable,
    requestId: requestId ?? undefined,
    cause: error,
  });
}
