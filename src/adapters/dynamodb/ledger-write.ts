import { randomUUID } from 'node:crypto';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { LedgerRow, LedgerScope } from '../../core/billing/ledger.ts';
import type { RowWrites } from '../../core/billing/ports.ts';
import { awsError, isThrottle, isUnsent, mayHaveApplied } from '../aws-errors.ts';
import { batchGet } from './batch-get.ts';
import { cancellationCodes, isContended } from './cancelled.ts';
import { rowItem, rowKey } from './ledger-items.ts';

export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
type Answer = 'applied' | 'stale';

/** Items of one transaction. */
const MOST = 100;
const PATIENCE_MS = 10_000;
/** How often a write is sent again whose answer was lost, or that did not reach the store. */
const TRIES = 4;

/** `client` reads; `writer` sends once and never by itself again. */
export interface LedgerClients {
  client: DynamoDBDocumentClient;
  writer(): DynamoDBDocumentClient;
  table: string;
}

/**
 * Groups of rows, as many to a transaction as fit. Where one group's condition fails it is `stale`, and the others
 * of its transaction are written without it.
 */
export async function writeGroups(
  clients: LedgerClients,
  scope: LedgerScope,
  groups: readonly RowWrites[],
): Promise<Answer[]> {
  const packs: { rows: RowWrites; at: number }[][] = [];
  let size = MOST;
  for (const [at, rows] of groups.entries()) {
    if (size + rows.length > MOST) {
      packs.push([]);
      size = 0;
    }
    packs.at(-1)?.push({ rows, at });
    size += rows.length;
  }
  const answers: Answer[] = groups.map(() => 'stale');
  await Promise.all(
    packs.map(async (pack) => {
      const applied = await writePack(clients, scope, pack, []);
      for (const at of applied) answers[at] = 'applied';
    }),
  );
  return answers;
}

/** Writes one transaction, and `more` along with it; returns which groups were applied. */
export async function writePack(
  { client, writer, table }: LedgerClients,
  scope: LedgerScope,
  pack: readonly { rows: RowWrites; at: number }[],
  more: readonly Write[],
): Promise<number[]> {
  const writeId = randomUUID();
  const deadline = Date.now() + PATIENCE_MS;
  let left = [...pack];
  let lost = false;
  for (let tries = 0; left.length > 0; ) {
    const writes = left.flatMap(({ rows }) => rows.map((row) => put(table, scope, row, writeId)));
    const error = await writer()
      .send(
        new TransactWriteCommand({ TransactItems: [...writes, ...more], ClientRequestToken: randomUUID() }),
      )
      .then(
        () => null,
        (thrown: unknown) => thrown ?? new Error('unknown'),
      );
    if (error === null) return left.map(({ at }) => at);
    const reasons = cancellationCodes(error) ?? [];
    if (reasons.includes('ConditionalCheckFailed')) {
      // An earlier try may have been made after all, its answer lost: then all of it was, under this write's id.
      if (lost && (await isOurs(client, table, scope, left, writeId))) return left.map(({ at }) => at);
      let item = 0;
      left = left.filter(({ rows }) => {
        const mine = reasons.slice(item, item + rows.length);
        item += rows.length;
        return !mine.includes('ConditionalCheckFailed');
      });
      continue;
    }
    const isBusy = isThrottle(error) || isContended(reasons);
    const again = isBusy
      ? Date.now() < deadline
      : (isUnsent(error) || mayHaveApplied(error)) && ++tries < TRIES;
    if (!isBusy && mayHaveApplied(error)) lost = true;
    if (!again) {
      if (lost && (await isOurs(client, table, scope, left, writeId).catch(() => false)))
        return left.map(({ at }) => at);
      throw awsError(error, 'write the billing ledger');
    }
    await new Promise((wake) => setTimeout(wake, 20 + Math.random() * 180));
  }
  return [];
}

/** Whether the rows are as this write would have left them. */
async function isOurs(
  client: DynamoDBDocumentClient,
  table: string,
  scope: LedgerScope,
  pack: readonly { rows: RowWrites }[],
  writeId: string,
): Promise<boolean> {
  const keys = pack.flatMap(({ rows }) => rows.map((row) => rowKey(scope, row)));
  const doing = 'read the billing ledger';
  const items = await batchGet(client, table, keys, { consistent: true, fields: ['writeId'], doing });
  return items.some((item) => item['writeId'] === writeId);
}

/** Only if the row is as it was planned on. */
function put(TableName: string, scope: LedgerScope, row: LedgerRow, writeId: string): Write {
  const condition =
    row.rev === 1
      ? { ConditionExpression: 'attribute_not_exists(PK)' }
      : {
          ConditionExpression: 'rev = :was',
          ExpressionAttributeValues: { ':was': row.rev - 1 },
        };
  return { Put: { TableName, Item: rowItem(scope, row, writeId), ...condition } };
}
