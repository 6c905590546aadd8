import { tableName } from '../../core/schema.ts';
import type { ItemWrite, UpdateRequest } from '../../core/usage/layout.ts';
import type { Pause } from '../retry.ts';
import type { Wire } from '../wire/client.ts';
import { type Item, marshalItem, unmarshalItem } from '../wire/marshal.ts';
import type { Reply } from '../wire/reply.ts';

/** What stood in the way of one write: its condition failed, on this item where it was asked for. */
export interface Refused {
  failed: boolean;
  item: Item | null;
}

/** An answer was lost: the writes may have been made. */
export interface Doubt {
  kind: 'ambiguous';
  reason: string;
  message: string;
}

/**
 * What writing came to. `refused`: conditions failed, and this try wrote nothing; `doubt`: an earlier one may have,
 * unless the first write was refused, by which writes recognise their own repetition. `failed`: provably not written.
 */
export type Written =
  | { kind: 'applied' }
  | { kind: 'refused'; reasons: Refused[]; doubt: Doubt | null }
  | { kind: 'contended' | 'unreachable' | 'failed'; code: string; message: string }
  | Doubt;

/** How often writes are sent again, by what they came to; what is not named is never repeated. */
export type WriteBudget = Partial<Record<'contended' | 'unreachable' | 'ambiguous', number>>;

const FIRST_PAUSE_MS = 10;

/**
 * One update by itself, several writes in a transaction, sent until an answer or the end of the budget.
 * `ambiguous` may be in it only for writes that recognise their own repetition. Once an answer was lost, here or
 * before (`doubt`), no failure of a later try proves that nothing was written. Never throws.
 */
export async function write(
  wire: Wire,
  stack: string,
  writes: readonly ItemWrite[],
  budget: WriteBudget,
  pause: Pause,
  doubt: Doubt | null = null,
): Promise<Written> {
  const left = { ...budget };
  let lost = doubt;
  for (let wait = FIRST_PAUSE_MS; ; wait *= 2) {
    const written = readReply(await send(wire, stack, writes));
    if (written.kind === 'applied') return written;
    if (written.kind === 'refused') return { ...written, doubt: written.reasons[0]?.failed ? null : lost };
    if (written.kind === 'ambiguous') lost = written;
    const tries = written.kind === 'failed' ? 0 : (left[written.kind] ?? 0);
    if (written.kind === 'failed' || tries === 0) return lost ?? written;
    left[written.kind] = tries - 1;
    // Full jitter, so that callers who collided do not collide again.
    if (written.kind !== 'unreachable') await pause(Math.random() * wait);
  }
}

/** Whether nobody knows what became of the writes. */
export function doubtOf<W extends Written>(written: W): Doubt | null {
  if (written.kind === 'ambiguous') return written;
  return written.kind === 'refused' ? written.doubt : null;
}

function send(wire: Wire, stack: string, writes: readonly ItemWrite[]): Promise<Reply> {
  const [only] = writes;
  if (writes.length === 1 && only !== undefined && 'update' in only) {
    return wire.send('UpdateItem', { TableName: tableName(stack, only.table), ...updateBody(only.update) });
  }
  const TransactItems = writes.map((one) => {
    const TableName = tableName(stack, one.table);
    if ('update' in one) return { Update: { TableName, ...updateBody(one.update) } };
    return { Put: { TableName, ...one.put, Item: marshalItem(one.put.Item), ...values(one.put) } };
  });
  return wire.send('TransactWriteItems', { TransactItems });
}

const updateBody = (update: UpdateRequest) => ({
  ...update,
  Key: marshalItem(update.Key),
  ...values(update),
});

const values = ({ ExpressionAttributeValues: plain }: { ExpressionAttributeValues?: Item }) =>
  plain === undefined ? {} : { ExpressionAttributeValues: marshalItem(plain) };

function readReply(reply: Reply): Written {
  if (reply.kind === 'applied') return { kind: 'applied' };
  if (reply.kind === 'condition_failed')
    return { kind: 'refused', reasons: [{ failed: true, item: reply.old }], doubt: null };
  if (reply.kind === 'ambiguous') return reply;
  const { reason, code, message, cancelled } = reply;
  if (cancelled !== undefined) return readCancelled(cancelled, message);
  if (reason === 'unreachable') return { kind: 'unreachable', code, message };
  return { kind: reason === 'rejected' ? 'failed' : 'contended', code, message };
}

const CONTENDED = /^(TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded)$/;

function readCancelled(cancelled: readonly unknown[], message: string): Written {
  const reasons = cancelled.map((one) => (typeof one === 'object' && one !== null ? (one as Item) : {}));
  const codes = reasons.map(({ Code }) => String(Code ?? ''));
  if (codes.includes('ConditionalCheckFailed')) {
    return {
      kind: 'refused',
      reasons: reasons.map(({ Code, Item: found }) => ({
        failed: Code === 'ConditionalCheckFailed',
        item: found === undefined ? null : readable(found),
      })),
      doubt: null,
    };
  }
  const code = codes.find((name) => name !== 'None' && name !== '') ?? 'TransactionCanceledException';
  return { kind: CONTENDED.test(code) ? 'contended' : 'failed', code, message };
}

/** An item of ours is always readable; what is not stands for none. */
function readable(item: unknown): Item | null {
  try {
    return unmarshalItem(item);
  } catch {
    return null;
  }
}
