import { SaasctlError } from '../../core/errors.ts';
import { type AwsService, awsError, isThrottle, refusedFor } from '../aws-errors.ts';
import { READ_TRIES, timeLimits } from '../time-limits.ts';
import { traceCalls } from '../trace.ts';

export interface CloudSettings {
  region: string;
  awsProfile: string | null;
  /** One line per HTTP call, for `--debug`. */
  trace: ((line: string) => void) | null;
  /** How long one request may take, ms; 10 s unless given. */
  timeoutMs?: number;
}

/** What every SDK client of the deploy is built with. Throttling is waited out here, and by the engine after that. */
export const clientOptions = ({ region, awsProfile, timeoutMs }: CloudSettings) => ({
  region,
  ...(awsProfile === null ? {} : { profile: awsProfile }),
  maxAttempts: READ_TRIES,
  requestHandler: timeLimits(timeoutMs),
});

/** `--debug` shows its calls. */
export function traced<T extends { middlewareStack: Parameters<typeof traceCalls>[0] }>(
  client: T,
  service: string,
  { trace }: CloudSettings,
): T {
  if (trace !== null) traceCalls(client.middlewareStack, service, trace);
  return client;
}

const DENIED = /^(AccessDenied(Exception)?|UnauthorizedOperation|Forbidden|403)$/;

interface Doing {
  service: AwsService;
  /** The action as a policy names it: `cloudformation:CreateChangeSet`. */
  action: string;
  /** Completes "could not …". */
  doing: string;
}

/** An SDK error of a deploy: denied access names the action, throttling and an unreachable service may be tried again. */
export function cloudError(thrown: unknown, { service, action, doing }: Doing): SaasctlError {
  if (thrown instanceof SaasctlError) return thrown;
  const error = thrown as Error & { $metadata?: { requestId?: string } };
  const requestId = error.$metadata?.requestId;
  if (DENIED.test(error.name)) {
    return new SaasctlError({
      code: 'aws_denied',
      category: 'auth',
      message: `could not ${doing}: access denied on ${action}${error.message ? `: ${error.message}` : ''}`,
      ...refusedFor(error.name, error.message),
      requestId,
      cause: thrown,
    });
  }
  if (isThrottle(thrown) || error.name === 'Throttling' || error.name === 'TooManyRequestsException') {
    return new SaasctlError({
      code: 'aws_throttled',
      category: 'remote',
      message: `could not ${doing}: ${service} has too many requests: ${error.message}`,
      hint: 'the same command can be run again',
      next: 'saasctl doctor',
      retryable: true,
      requestId,
      cause: thrown,
    });
  }
  return awsError(thrown, doing, service);
}
