import { type Item, unmarshalItem } from './marshal.ts';
import type { Exchange } from './transport.ts';

/** Everything that a DynamoDB call can come to. Only `not_applied` is safe to send again. */
export type Reply =
  | { kind: 'applied'; output: Item }
  | { kind: 'condition_failed'; old: Item | null }
  /** `cancelled`: why each write of a cancelled transaction was not made, in DynamoDB's own JSON. */
  | { kind: 'not_applied'; reason: NotApplied; code: string; message: string; cancelled?: unknown[] }
  | { kind: 'ambiguous'; reason: Ambiguous; message: string };

/** `unreachable`: no connection; `rejected`: the request itself is at fault. */
type NotApplied = 'throttled' | 'conflict' | 'unreachable' | 'rejected';
type Ambiguous = 'timeout' | 'reset' | 'server_error' | 'unparsable';

const THROTTLED = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
]);

/** `output` of an applied call is DynamoDB's own JSON; `old` of a failed condition is plain. */
export function classify(exchange: Exchange): Reply {
  if (exchange.kind === 'unreachable') {
    return { kind: 'not_applied', reason: 'unreachable', code: 'unreachable', message: exchange.message };
  }
  if (exchange.kind !== 'answered') {
    return { kind: 'ambiguous', reason: exchange.kind, message: exchange.message };
  }
  const { status, text } = exchange;
  const answer = parse(text);
  if (status === 200 && answer !== null) return { kind: 'applied', output: answer };
  if (status >= 400 && status < 500 && answer !== null && typeof answer['__type'] === 'string') {
    return refusal(answer, answer['__type']);
  }
  // Also a 4xx without a type: a proxy's word, which does not say what DynamoDB did.
  const reason = status >= 500 ? 'server_error' : 'unparsable';
  return { kind: 'ambiguous', reason, message: `HTTP ${status}` };
}

function refusal(answer: Item, type: string): Reply {
  const code = type.slice(type.lastIndexOf('#') + 1);
  if (code === 'ConditionalCheckFailedException') {
    try {
      return {
        kind: 'condition_failed',
        old: answer['Item'] === undefined ? null : unmarshalItem(answer['Item']),
      };
    } catch {
      return { kind: 'not_applied', reason: 'rejected', code, message: 'the old item is unreadable' };
    }
  }
  const message = String(answer['message'] ?? answer['Message'] ?? '');
  if (THROTTLED.has(code)) return { kind: 'not_applied', reason: 'throttled', code, message };
  const reason = code === 'TransactionConflictException' ? 'conflict' : 'rejected';
  const cancelled = answer['CancellationReasons'];
  return { kind: 'not_applied', reason, code, message, ...(Array.isArray(cancelled) ? { cancelled } : {}) };
}

function parse(text: string): Item | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Item) : null;
  } catch {
    return null;
  }
}
