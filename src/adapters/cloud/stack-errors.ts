import { SaasctlError } from '../../core/errors.ts';
import { cloudError } from './client.ts';

/** CloudFormation has no error of its own for a stack that is not there. */
export const isNoStack = (thrown: unknown): boolean =>
  (thrown as Error).name === 'StackNotFoundException' ||
  ((thrown as Error).name === 'ValidationError' && /does not exist/.test((thrown as Error).message));

/** An error of CloudFormation’s as ours: `action` as in `CreateChangeSet`, `doing` completes "could not …". */
export function stackError(thrown: unknown, action: string, doing: string): SaasctlError {
  if (thrown instanceof SaasctlError) return thrown;
  const { name, message } = thrown as Error;
  const make = (code: string, category: 'conflict' | 'config', hint?: string, next?: string): SaasctlError =>
    new SaasctlError({
      code,
      category,
      message: `could not ${doing}: ${message}`,
      hint,
      next,
      cause: thrown,
    });
  if (/^(ChangeSetNotFound|InvalidChangeSetStatus)/.test(name))
    return make(
      'change_set_stale',
      'conflict',
      'the stack was changed meanwhile: the same command plans anew',
    );
  if (
    /^(AlreadyExists|TokenAlreadyExists|OperationInProgress)/.test(name) ||
    /_IN_PROGRESS state/.test(message)
  )
    return make('stack_conflict', 'conflict', 'somebody else works on the stack: the same command finds out');
  if (/^InsufficientCapabilities/.test(name))
    return make('capabilities', 'config', 'templates may have roles, but not name them: leave out RoleName');
  if (name !== 'ValidationError')
    return cloudError(thrown, { service: 'CloudFormation', action: `cloudformation:${action}`, doing });
  if (isNoStack(thrown))
    return make('stack_not_found', 'conflict', 'it was deleted meanwhile: the same command finds out');
  return make('template_invalid', 'config', 'nothing was changed', 'saasctl config show --origin');
}
