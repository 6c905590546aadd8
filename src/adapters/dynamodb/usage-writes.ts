import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { SaasctlError } from '../../core/errors.ts';
import { tableName } from '../../core/schema.ts';
import type { ItemWrite } from '../../core/usage/layout.ts';
import { awsError, isThrottle, isUnsent, mayHaveApplied } from '../aws-errors.ts';
import { cancellationCodes, isContended } from './cancelled.ts';

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** What stood in the way of one write: its condition failed, on this item (its texts) where it was asked for. */
export interface Refused {
  failed: boolean;
  item: Record<string, string | undefined> | null;
}

const PATIENCE_MS = 10_000;
const TRIES = 4;

/**
 * One update by itself, several writes in a transaction. `null`: made. Else why not, write by write. Sent again
 * when it did not reach the store or its answer was lost: only for writes that recognise their own repetition.
 * Throws `write_ambiguous` when an answer was lost and no later try made it or found it made: a repetition is
 * recognised by the first of the writes.
 */
export async function write(
  writer: DynamoDBDocumentClient,
  stack: string,
  writes: readonly ItemWrite[],
  more: readonly TransactItem[],
  doing: string,
): Promise<Refused[] | null> {
  const deadline = Date.now() + PATIENCE_MS;
  let doubt: unknown;
  for (let tries = 1; ; ) {
    try {
      await send(writer, stack, writes, more);
      return null;
    } catch (error) {
      const refused = refusedBy(error);
      const codes = cancellationCodes(error);
      if (refused?.some(({ failed }) => failed)) {
        if (doubt !== undefined && !refused[0]?.failed) throw ambiguous(doubt);
        return refused;
      }
      const busy = codes !== null ? isContended(codes) : isThrottle(error);
      const lost = mayHaveApplied(error);
      if (lost) doubt = error;
      const passing = busy || lost || isUnsent(error);
      if (!passing || Date.now() > deadline || (!busy && ++tries > TRIES))
        throw doubt === undefined ? awsError(error, doing) : ambiguous(doubt);
      await new Promise((wake) => setTimeout(wake, 20 + Math.random() * 80));
    }
  }
}

function send(
  writer: DynamoDBDocumentClient,
  stack: string,
  writes: readonly ItemWrite[],
  more: readonly TransactItem[],
): Promise<unknown> {
  const [only] = writes;
  if (only !== undefined && 'update' in only && writes.length + more.length === 1) {
    return writer.send(new UpdateCommand({ TableName: tableName(stack, only.table), ...only.update }));
  }
  const items = writes.map((one): TransactItem => {
    const TableName = tableName(stack, one.table);
    return 'put' in one ? { Put: { TableName, ...one.put } } : { Update: { TableName, ...one.update } };
  });
  return writer.send(new TransactWriteCommand({ TransactItems: [...items, ...more] }));
}

function refusedBy(error: unknown): Refused[] | null {
  if (error instanceof ConditionalCheckFailedException) return [{ failed: true, item: null }];
  if (!(error instanceof TransactionCanceledException)) return null;
  return (error.CancellationReasons ?? []).map(({ Code, Item }) => ({
    failed: Code === 'ConditionalCheckFailed',
    item: Item === undefined ? null : texts(Item),
  }));
}

/** The texts of an item in DynamoDB's own JSON: the document client does not translate what errors carry. */
const texts = (item: Record<string, { S?: string | undefined }>) =>
  Object.fromEntries(Object.entries(item).map(([name, { S }]) => [name, S]));

function ambiguous(cause: unknown): SaasctlError {
  return new SaasctlError({
    code: 'write_ambiguous',
    category: 'remote',
    message: `the usage may or may not have been written: ${(cause as Error).name}`,
    hint: 'the answer was lost; the same command finds out, and counts nothing twice',
    retryable: true,
    cause,
  });
}
