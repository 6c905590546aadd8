import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import { type LedgerScope, rowId } from '../../core/billing/ledger.ts';
import {
  type Billable,
  type Cursor,
  type GateDays,
  type Head,
  type LedgerStore,
  type Listed,
  type UsageKey,
  usageId,
} from '../../core/billing/ports.ts';
import { gatePk } from '../../core/gate/layout.ts';
import { tableName } from '../../core/schema.ts';
import type { UsageItem } from '../../core/usage/usage.ts';
import { awsError } from '../aws-errors.ts';
import { batchGet } from './batch-get.ts';
import { auditItem, profileKey, SHARDS, shardPk, tenantPk } from './items.ts';
import {
  billableOf,
  cursorKey,
  daysOf,
  HEAD_FIELDS,
  headItem,
  headKey,
  headOf,
  headShardPk,
  rowKey,
  rowOf,
  rowRange,
} from './ledger-items.ts';
import { writeGroups, writePack } from './ledger-write.ts';
import { query } from './pages.ts';

type Item = Record<string, unknown>;

/** Tenants to a page: five batches of gates, read side by side. */
const PAGE = 500;
const PROFILE_FIELDS = {
  ProjectionExpression: 'id, #status, stripeCustomerId, billFrom, lateAt',
  ExpressionAttributeNames: { '#status': 'status' },
};

/** The billing ledger on DynamoDB. `writer` is a client that never sends anything twice by itself. */
export function ledgerStore(
  client: DynamoDBDocumentClient,
  writer: () => DynamoDBDocumentClient,
  stack: string,
): LedgerStore {
  const tenants = tableName(stack, 'tenants');
  const meters = tableName(stack, 'usageMeters');
  const gates = tableName(stack, 'gates');
  const clients = { client, writer, table: tenants };

  const gatesOf = async (ids: readonly string[], consistent: boolean): Promise<Map<string, GateDays>> => {
    const keys = ids.map((id) => ({ PK: gatePk(id) }));
    const items = await batchGet(client, gates, keys, {
      consistent,
      fields: ['PK', 'u'],
      doing: 'read gates',
    });
    return new Map(items.map((item) => [String(item['PK']).slice('GATE#'.length), daysOf(item)]));
  };
  const get = async (Key: Item, doing: string): Promise<Item | undefined> => {
    const read = client.send(new GetCommand({ TableName: tenants, Key, ConsistentRead: true }));
    const { Item } = await read.catch((error: unknown) => {
      throw awsError(error, doing);
    });
    return Item;
  };

  return {
    shards: SHARDS,
    list: (scope, shard, after) => listPages(client, { tenants }, scope, shard, after, gatesOf),
    async listed(scope, tenantId) {
      const [profile, head, gate] = await Promise.all([
        get(profileKey(tenantId), 'read the tenant'),
        get(headKey(scope, tenantId), 'read the billing ledger'),
        gatesOf([tenantId], true),
      ]);
      if (profile === undefined) return null;
      return {
        tenant: billableOf(profile),
        head: head === undefined ? null : headOf(head),
        gate: gate.get(tenantId) ?? {},
      };
    },
    async recorded(keys, consistent) {
      const known = new Map(keys.map((key) => [`${tenantPk(key.tenantId)} ${usageSk(key)}`, key]));
      const items = await batchGet(
        client,
        meters,
        [...known.values()].map((key) => ({ PK: tenantPk(key.tenantId), SK: usageSk(key) })),
        { consistent, doing: 'read usage' },
      );
      return new Map(
        items.flatMap((item): [string, UsageItem][] => {
          const key = known.get(`${item['PK']} ${item['SK']}`);
          return key === undefined ? [] : [[usageId(key), usageItem(item)]];
        }),
      );
    },
    gates: (ids) => gatesOf(ids, true),
    async usage(tenantId, first, last) {
      const input = {
        TableName: meters,
        KeyConditionExpression: 'PK = :pk AND SK BETWEEN :first AND :last',
        ExpressionAttributeValues: {
          ':pk': tenantPk(tenantId),
          ':first': `USAGE#${first}`,
          ':last': `USAGE#${last}~`,
        },
      };
      const items: UsageItem[] = [];
      for await (const item of query(client, input, 'read usage')) items.push(usageItem(item));
      return items;
    },
    async rows(scope, keys) {
      const unique = [...new Map(keys.map((key) => [rowId(key), rowKey(scope, key)])).values()];
      const doing = 'read the billing ledger';
      const items = await batchGet(client, tenants, unique, { consistent: true, doing });
      return new Map(items.map(rowOf).map((row) => [rowId(row), row]));
    },
    async rowsOf(scope, { tenantId, eventName, first, last, consistent }) {
      const { from, to } = rowRange(scope, eventName, first, last);
      const input = {
        TableName: tenants,
        KeyConditionExpression: 'PK = :pk AND SK BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': tenantPk(tenantId), ':from': from, ':to': to },
        ConsistentRead: consistent,
      };
      const rows = [];
      for await (const item of query(client, input, 'read the billing ledger')) {
        if (String(item['SK']).endsWith('#HEAD')) continue;
        const row = rowOf(item);
        if (row.day >= first && row.day <= last) rows.push(row);
      }
      return rows;
    },
    write: (scope, groups) => writeGroups(clients, scope, groups),
    keepHeads: (scope, heads) => putHeads(client, tenants, scope, heads),
    async correct(scope, row, audit) {
      const more = [
        ...(audit === null ? [] : [{ Put: { TableName: tenants, Item: auditItem(audit) } }]),
        { Delete: { TableName: tenants, Key: headKey(scope, row.tenantId) } },
      ];
      const applied = await writePack(clients, scope, [{ rows: [row], at: 0 }], more);
      return applied.length === 0 ? 'stale' : 'applied';
    },
    async cursor(scope) {
      const item = await get(cursorKey(scope), 'read where the sync stopped');
      return item === undefined ? null : (item['cursor'] as Cursor);
    },
    async keepCursor(scope, cursor) {
      const Key = cursorKey(scope);
      const kept =
        cursor === null
          ? client.send(new DeleteCommand({ TableName: tenants, Key }))
          : client.send(new PutCommand({ TableName: tenants, Item: { ...Key, cursor } }));
      await kept.catch((error: unknown) => {
        throw awsError(error, 'keep where the sync stopped');
      });
    },
  };
}

const usageSk = ({ day, metric }: UsageKey): string => `USAGE#${day}#${metric}`;

function usageItem(item: Item): UsageItem {
  const [, day = '', metric = ''] = String(item['SK']).split('#');
  const max = item['max'];
  const amount = Number(item['amount'] ?? 0);
  return max === undefined ? { day, metric, amount } : { day, metric, amount, max: Number(max) };
}

/**
 * A shard's tenants, page by page: profiles and heads from the index, gates in a batch, all eventually consistent.
 * The next page is on its way, gates and all, while this one is.
 */
async function* listPages(
  client: DynamoDBDocumentClient,
  { tenants }: { tenants: string },
  scope: LedgerScope,
  shard: number,
  after: string | null,
  gatesOf: (ids: readonly string[], consistent: boolean) => Promise<Map<string, GateDays>>,
): AsyncGenerator<Listed[]> {
  const profiles = async (from: string | null) => {
    const page = await client
      .send(
        new QueryCommand({
          TableName: tenants,
          IndexName: 'list',
          KeyConditionExpression: `LPK = :shard${from === null ? '' : ' AND LSK > :after'}`,
          ExpressionAttributeValues: {
            ':shard': shardPk(shard),
            ...(from === null ? {} : { ':after': from }),
          },
          ...PROFILE_FIELDS,
          Limit: PAGE,
        }),
      )
      .catch((error: unknown) => {
        throw awsError(error, 'list tenants');
      });
    // A page ends at 1 MB, too: how many it has does not say whether it is the last.
    return { found: (page.Items ?? []).map(billableOf), isLast: page.LastEvaluatedKey === undefined };
  };
  const detailed = async (found: Billable[]): Promise<Listed[]> => {
    const ids = found.map(({ id }) => id);
    const [first = '', last = ''] = [ids[0], ids.at(-1)];
    const [heads, gates] = await Promise.all([
      headsBetween(client, tenants, scope, shard, first, last),
      gatesOf(ids, false),
    ]);
    return found.map((tenant) => ({
      tenant,
      head: heads.get(tenant.id) ?? null,
      gate: gates.get(tenant.id) ?? {},
    }));
  };
  const page = async (from: string | null) => {
    const { found, isLast } = await profiles(from);
    return { end: found.at(-1), isLast, listed: found.length === 0 ? [] : met(detailed(found)) };
  };
  let coming = page(after);
  for (;;) {
    const { end, isLast, listed } = await coming;
    if (end === undefined) return;
    if (!isLast) coming = met(page(end.id));
    yield await listed;
    if (isLast) return;
  }
}

/** Its failure is met where it is awaited, which may be later, or never. */
function met<T>(coming: Promise<T>): Promise<T> {
  coming.catch(() => {});
  return coming;
}

async function headsBetween(
  client: DynamoDBDocumentClient,
  TableName: string,
  scope: LedgerScope,
  shard: number,
  first: string,
  last: string,
): Promise<Map<string, Head>> {
  const heads = new Map<string, Head>();
  const input = {
    TableName,
    IndexName: 'list',
    KeyConditionExpression: 'LPK = :shard AND LSK BETWEEN :first AND :last',
    ExpressionAttributeValues: { ':shard': headShardPk(scope, shard), ':first': first, ':last': last },
    ...HEAD_FIELDS,
  };
  for await (const item of query(client, input, 'read the billing ledger')) {
    const head = headOf(item);
    heads.set(head.tenantId, head);
  }
  return heads;
}

/** Twenty-five to a request. What is not written is written by the next run. */
async function putHeads(
  client: DynamoDBDocumentClient,
  table: string,
  scope: LedgerScope,
  heads: readonly Head[],
): Promise<void> {
  const batches: Head[][] = [];
  for (let at = 0; at < heads.length; at += 25) batches.push(heads.slice(at, at + 25));
  await Promise.all(
    batches.map(async (batch) => {
      const requests = batch.map((head) => ({ PutRequest: { Item: headItem(scope, head) } }));
      await client
        .send(new BatchWriteCommand({ RequestItems: { [table]: requests } }))
        .catch((error: unknown) => {
          throw awsError(error, 'write the billing ledger');
        });
    }),
  );
}
