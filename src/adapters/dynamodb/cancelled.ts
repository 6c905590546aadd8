import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';

const CONTENDED = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

/** Why each write of a cancelled transaction was refused, in their order; `null`: the error is another one. */
export const cancellationCodes = (error: unknown): string[] | null =>
  error instanceof TransactionCanceledException
    ? (error.CancellationReasons ?? []).map(({ Code }) => Code ?? '')
    : null;

/** Whether a cancelled transaction met others at its items, or too many of them: it may be sent again. */
export const isContended = (codes: readonly string[]): boolean => codes.some((code) => CONTENDED.has(code));
