import { BatchGetItemCommand, type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Census, ListedTenant } from '../../core/cost/types.ts';
import { gatePk } from '../../core/gate/layout.ts';
import { tableName } from '../../core/schema.ts';
import { gateDays, type UsageItem } from '../../core/usage/usage.ts';
import { awsError, isThrottle } from '../aws-errors.ts';
import { SHARDS, shardPk, tenantPk } from './items.ts';
import { answeringPlainly, type PlainItem } from './plain-reads.ts';

/** Requests on their way at a time. */
const AT_ONCE = 32;
/** Keys to a batch. */
const BATCH = 100;
const PATIENCE_MS = 10_000;

const FIELDS = [
  'id',
  'name',
  'plan',
  'isolation',
  'status',
  'stripeCustomerId',
  'lateAt',
  'createdAt',
  'updatedAt',
] as const;

/** A whole stack's tenants and usage. `client` is for it alone, and for one census. */
export function openCensus(client: DynamoDBClient, stack: string): Census {
  answeringPlainly(client);

  async function* query(
    input: ConstructorParameters<typeof QueryCommand>[0],
    doing: string,
  ): AsyncGenerator<PlainItem[]> {
    for (let start: PlainItem | undefined; ; ) {
      const page = await client
        .send(
          new QueryCommand({
            ...input,
            ...(start === undefined ? {} : { ExclusiveStartKey: start as never }),
          }),
        )
        .catch((error: unknown) => {
          throw awsError(error, doing);
        });
      yield (page.Items ?? []) as PlainItem[];
      start = page.LastEvaluatedKey as PlainItem | undefined;
      if (start === undefined) return;
    }
  }

  async function shard(at: number): Promise<ListedTenant[]> {
    const found: ListedTenant[] = [];
    const input = {
      TableName: tableName(stack, 'tenants'),
      IndexName: 'list',
      KeyConditionExpression: 'LPK = :shard',
      ExpressionAttributeValues: { ':shard': { S: shardPk(at) } },
      ProjectionExpression: FIELDS.map((name) => `#${name}`).join(', '),
      ExpressionAttributeNames: Object.fromEntries(FIELDS.map((name) => [`#${name}`, name])),
    };
    for await (const items of query(input, 'list tenants'))
      for (const item of items) found.push(tenantOf(item));
    return found;
  }

  async function usageOf(id: string, first: string, last: string): Promise<UsageItem[]> {
    const found: UsageItem[] = [];
    const input = {
      TableName: tableName(stack, 'usageMeters'),
      KeyConditionExpression: 'PK = :pk AND SK BETWEEN :first AND :last',
      ExpressionAttributeValues: {
        ':pk': { S: tenantPk(id) },
        ':first': { S: `USAGE#${first}` },
        ':last': { S: `USAGE#${last}~` },
      },
      ProjectionExpression: 'SK, amount',
      ConsistentRead: true,
    };
    for await (const items of query(input, 'read usage')) {
      for (const { SK, amount } of items) {
        const [, day, metric] = (SK?.S ?? '').split('#');
        if (day !== undefined && metric !== undefined) found.push({ day, metric, amount: Number(amount?.N) });
      }
    }
    return found;
  }

  async function gatesOf(ids: readonly string[]): Promise<[string, UsageItem[]][]> {
    const table = tableName(stack, 'gates');
    const found: [string, UsageItem[]][] = [];
    const deadline = Date.now() + PATIENCE_MS;
    let keys = ids.map((id) => ({ PK: { S: gatePk(id) } }));
    for (let tries = 0; keys.length > 0; tries++) {
      if (tries > 0)
        await new Promise((wake) => setTimeout(wake, Math.random() * 50 * 2 ** Math.min(tries, 5)));
      const RequestItems = { [table]: { Keys: keys, ProjectionExpression: 'PK, u', ConsistentRead: true } };
      try {
        const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand({ RequestItems }));
        for (const { PK, u } of (Responses?.[table] ?? []) as PlainItem[]) {
          const days = Object.entries(u?.M ?? {}).map(([day, value]) => [day, Number(value?.N)]);
          found.push([(PK?.S ?? '').slice(gatePk('').length), gateDays({ u: Object.fromEntries(days) }, '')]);
        }
        keys = (UnprocessedKeys?.[table]?.Keys ?? []) as typeof keys;
      } catch (error) {
        if (!isThrottle(error) || Date.now() > deadline) throw awsError(error, 'read usage');
      }
    }
    return found;
  }

  return {
    async tenants() {
      const shards = await Promise.all(Array.from({ length: SHARDS }, (_, at) => shard(at)));
      return shards.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    folded: async (ids, first, last) =>
      new Map(
        await sideBySide(
          ids,
          async (id): Promise<[string, UsageItem[]]> => [id, await usageOf(id, first, last)],
        ),
      ),
    async onGates(ids) {
      const batches = Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, at) =>
        ids.slice(at * BATCH, (at + 1) * BATCH),
      );
      return new Map((await sideBySide(batches, gatesOf)).flat());
    },
  };
}

/** A result for each, a few of them being worked on at a time. */
async function sideBySide<T, R>(of: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = of.entries();
  const worker = async (): Promise<void> => {
    for (const [at, one] of left) results[at] = await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

function tenantOf(item: PlainItem): ListedTenant {
  const text = (name: (typeof FIELDS)[number]): string => item[name]?.S ?? '';
  return {
    id: text('id'),
    name: text('name'),
    plan: text('plan'),
    isolation: text('isolation') as ListedTenant['isolation'],
    status: text('status') as ListedTenant['status'],
    stripeCustomerId: item.stripeCustomerId?.S ?? null,
    lateAt: item.lateAt?.S ?? null,
    createdAt: text('createdAt'),
    updatedAt: text('updatedAt'),
  };
}
