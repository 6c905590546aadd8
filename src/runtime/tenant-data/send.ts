import type { Pause } from '../retry.ts';
import { NO_CREDENTIALS, type Wire } from '../wire/client.ts';
import type { Reply } from '../wire/reply.ts';
import { Ambiguous, ConditionFailed, Rejected, Throttled } from './errors.ts';

/**
 * Whether a call may be sent again when its answer was lost. `read` and `idempotent`: it may, the second does
 * what the first did; `once`: it may not.
 */
export type Repeat = 'read' | 'idempotent' | 'once';

export const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 25;

/** Full jitter, so that callers who collided do not collide again. */
export const backOff = (pause: Pause, tries: number): Promise<void> =>
  pause(Math.random() * FIRST_PAUSE_MS * 2 ** tries);

type Output = (Reply & { kind: 'applied' })['output'];

/** Sends until an answer, at most four times, and returns DynamoDB's own JSON. Throws a `TenantDataFault`. */
export async function sendData(
  wire: Wire,
  operation: string,
  body: object,
  repeat: Repeat,
  pause: Pause,
): Promise<Output> {
  // Once an answer was lost, no later refusal proves that nothing was written.
  let doubtful = false;
  for (let tries = 1; ; tries++) {
    const reply = await wire.send(operation, body);
    if (reply.kind === 'applied') return reply.output;
    doubtful ||= reply.kind === 'ambiguous' && repeat !== 'read';
    const fault = faultOf(operation, reply);
    // Whoever asks for credentials has asked often enough.
    const unsigned = reply.kind === 'not_applied' && reply.code === NO_CREDENTIALS;
    const final = !(fault instanceof Throttled) || unsigned || (doubtful && repeat === 'once');
    if (final || tries === MAX_TRIES) throw doubtful ? new Ambiguous(fault.message) : fault;
    await backOff(pause, tries);
  }
}

function faultOf(operation: string, reply: Exclude<Reply, { kind: 'applied' }>): Error {
  if (reply.kind === 'condition_failed') return new ConditionFailed();
  if (reply.kind === 'ambiguous') return new Throttled(`${operation}: ${reply.message}`);
  const { reason, code, message } = reply;
  const cancelled = reply.cancelled?.map((each) => (each as { Code?: string } | null)?.Code ?? 'None');
  if (cancelled !== undefined) {
    const failed = cancelled.flatMap((each, at) => (each === 'ConditionalCheckFailed' ? [at] : []));
    if (failed.length > 0) return new ConditionFailed(failed);
    if (cancelled.every((each) => each === 'None' || PASSING.has(each)))
      return new Throttled(`${operation}: ${cancelled.join(', ')}`);
    return new Rejected(cancelled.find((each) => each !== 'None') ?? code, message);
  }
  if (code === NO_CREDENTIALS && reason !== 'rejected') return new Throttled(`${operation}: ${message}`);
  if (reason !== 'rejected' || code === 'TransactionInProgressException')
    return new Throttled(`${operation}: ${code}`);
  return new Rejected(code, message);
}

/** Why a transaction is cancelled that may succeed when sent again. */
const PASSING = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);
