import { SaasctlError } from '../core/errors.ts';

interface SdkError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
}

const AUTH = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'InvalidToken',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'MissingAuthenticationTokenException',
  'CredentialsProviderError',
  'TokenProviderError',
]);

/** By name and message; a signature "expires" by a clock that is off. */
const ENDED = /^(?!\w*Signature).*(Expired|TokenProvider|\bSSO\b)/is;
const NOT_TAKEN =
  /^(CredentialsProvider|UnrecognizedClient|Invalid(ClientTokenId|AccessKeyId|Token|Signature)|SignatureDoesNotMatch|MissingAuthentication)/;

/** Why AWS refuses, by its error: what gives credentials that it takes, or who it is that lacks a permission. */
export function refusedFor(name: string, message: string | null): { hint: string; next: string } {
  if (ENDED.test(`${name} ${message ?? ''}`))
    return { hint: 'the credentials in use have expired: sign in, or set new ones', next: 'aws sso login' };
  if (NOT_TAKEN.test(name))
    return {
      hint: 'there are no credentials, none that AWS knows, or this machine’s clock is off',
      next: 'aws configure',
    };
  return {
    hint: 'whoever the credentials in use are of lacks this permission',
    next: 'aws sts get-caller-identity',
  };
}

const isNetwork = (error: SdkError): boolean =>
  error.$metadata?.httpStatusCode === undefined || error.name === 'TimeoutError' || isCutShort(error);

/** Whether something answered that does not speak the service's protocol: JSON fails to parse, or names no error. */
const isForeign = ({ name, message }: SdkError): boolean =>
  name === 'SyntaxError' || name === 'Unknown' || message === 'Unknown';

/** Whether the connection was lost in the middle of an answer: AWS said yes, and what to cannot be read. */
export function isCutShort(thrown: unknown): boolean {
  const error = thrown as SdkError;
  const status = error.$metadata?.httpStatusCode;
  return status !== undefined && status < 300 && !isForeign(error);
}

/** The services that we ask, as their errors name them. */
export type AwsService =
  | 'DynamoDB'
  | 'STS'
  | 'Cost Explorer'
  | 'Resource Groups Tagging API'
  | 'CloudFormation'
  | 'S3'
  | 'Lambda'
  | 'SSM';

/** An SDK error as one that says what to do. `doing` completes "could not …". */
export function awsError(thrown: unknown, doing: string, service: AwsService = 'DynamoDB'): SaasctlError {
  if (thrown instanceof SaasctlError) return thrown;
  const error = thrown as SdkError;
  const requestId = error.$metadata?.requestId;
  const status = error.$metadata?.httpStatusCode;
  // Its timeouts begin with the name of the SDK's own package.
  const said = error.message.replace(/^@smithy\S+ - (\[ERROR\] )?/, '');
  const why = isCutShort(error)
    ? 'the connection was lost in the middle of the answer'
    : `${error.name}${said ? `: ${said}` : ''}`;
  const detail = `could not ${doing}: ${why}`;
  if (AUTH.has(error.name)) {
    return new SaasctlError({
      code: 'aws_denied',
      category: 'auth',
      message: detail,
      ...refusedFor(error.name, said),
      requestId,
      cause: thrown,
    });
  }
  if (/database or disk is full/i.test(error.message)) {
    return new SaasctlError({
      code: 'store_full',
      category: 'config',
      message: `could not ${doing}: the disk under the local store is full`,
      hint: 'what was acknowledged is safe',
      next: 'df -h .',
      cause: thrown,
    });
  }
  if (isForeign(error)) {
    return new SaasctlError({
      code: 'not_aws',
      category: 'remote',
      message: `could not ${doing}: the answer${status === undefined ? '' : ` (HTTP ${status})`} is not ${service}'s`,
      hint: `something else answers there: check AWS_ENDPOINT_URL_${service.toUpperCase().replaceAll(' ', '_')}, AWS_ENDPOINT_URL and any proxy`,
      next: 'saasctl doctor',
      retryable: true,
      cause: thrown,
    });
  }
  const remote =
    isNetwork(error) || status === 429 || (status ?? 0) >= 500 || /Throttl|Exceeded|Limit/.test(error.name);
  return new SaasctlError({
    code: remote ? 'aws_unavailable' : 'aws_error',
    category: remote ? 'remote' : 'bug',
    message: detail,
    hint: remote ? 'nothing more was done; the same command can be run again' : undefined,
    next: remote ? 'saasctl doctor' : undefined,
    retryable: remote,
    requestId,
    cause: thrown,
  });
}

export const isThrottle = (thrown: unknown): boolean =>
  /^(ProvisionedThroughputExceeded|ThrottlingException|RequestLimitExceeded|TransactionInProgress)/.test(
    (thrown as SdkError).name,
  );

/** Whether a failed call, sent once, never reached anybody. */
export function isUnsent(thrown: unknown): boolean {
  const { code = '', name } = thrown as SdkError;
  return /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/.test(code) || name === 'CredentialsProviderError';
}

/** Whether a failed write, sent once, may have been applied all the same. */
export function mayHaveApplied(thrown: unknown): boolean {
  const error = thrown as SdkError;
  if (isUnsent(error)) return false;
  return isNetwork(error) || isForeign(error) || (error.$metadata?.httpStatusCode ?? 0) >= 500;
}
