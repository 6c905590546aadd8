import { BatchGetCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { awsError, isThrottle } from '../aws-errors.ts';

type Item = Record<string, unknown>;

/** Keys to one request. */
const MOST = 100;
const PATIENCE_MS = 10_000;

/**
 * Items by key, a hundred to a request and the requests side by side; unprocessed keys are asked for again, and
 * throttling is waited out for ten seconds. `fields`: only these attributes.
 */
export async function batchGet(
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly Item[],
  { consistent, fields, doing }: { consistent: boolean; fields?: readonly string[]; doing: string },
): Promise<Item[]> {
  const names = fields?.map((field, at): [string, string] => [`#f${at}`, field]);
  const projection =
    names === undefined
      ? {}
      : {
          ProjectionExpression: names.map(([name]) => name).join(', '),
          ExpressionAttributeNames: Object.fromEntries(names),
        };
  const batches: Item[][] = [];
  for (let at = 0; at < keys.length; at += MOST) batches.push(keys.slice(at, at + MOST));
  const deadline = Date.now() + PATIENCE_MS;
  const one = async (batch: Item[]): Promise<Item[]> => {
    const items: Item[] = [];
    let left: Item[] = batch;
    for (let tries = 0; left.length > 0; tries++) {
      if (tries > 0)
        await new Promise((wake) => setTimeout(wake, Math.random() * 50 * 2 ** Math.min(tries, 5)));
      try {
        const { Responses, UnprocessedKeys } = await client.send(
          new BatchGetCommand({
            RequestItems: { [table]: { Keys: left, ConsistentRead: consistent, ...projection } },
          }),
        );
        items.push(...(Responses?.[table] ?? []));
        left = UnprocessedKeys?.[table]?.Keys ?? [];
      } catch (error) {
        if (!isThrottle(error) || Date.now() > deadline) throw awsError(error, doing);
      }
    }
    return items;
  };
  return (await Promise.all(batches.map(one))).flat();
}
