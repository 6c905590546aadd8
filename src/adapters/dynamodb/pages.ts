import { type DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { AuditEntry } from '../../core/audit.ts';
import type { Page, PageRequest } from '../../core/ports.ts';
import { tableName } from '../../core/schema.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import { dayOf } from '../../core/time.ts';
import { awsError } from '../aws-errors.ts';
import { auditDayPk, auditEntryOf, auditSort, SHARDS, shardPk, tenantOf, tenantPk } from './items.ts';

type Item = Record<string, unknown>;

/** All items of a query, page by page, each page read when it is needed. */
export async function* query(
  client: DynamoDBDocumentClient,
  input: QueryCommandInput,
  doing: string,
): AsyncGenerator<Item> {
  let start: Record<string, unknown> | undefined;
  do {
    const page = await client
      .send(new QueryCommand({ ...input, ...(start === undefined ? {} : { ExclusiveStartKey: start }) }))
      .catch((error: unknown) => {
        throw awsError(error, doing);
      });
    yield* page.Items ?? [];
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

/** Cuts a source off after `limit` items, and then knows where the next page starts. */
export function paged<T>(
  source: AsyncIterable<T>,
  limit: number | null,
  cursor: (item: T) => string,
): Page<T> {
  let next: string | null = null;
  async function* items(): AsyncGenerator<T> {
    let count = 0;
    let last: T | undefined;
    for await (const item of source) {
      if (limit !== null && count === limit) {
        next = last === undefined ? null : cursor(last);
        return;
      }
      count++;
      last = item;
      yield item;
    }
  }
  return { items: items(), next: () => next };
}

/** Tenants by id: the shards of the list index, each in order, merged. */
export function tenantPage(
  client: DynamoDBDocumentClient,
  stack: string,
  { limit, after }: PageRequest,
  keep: (tenant: Tenant) => boolean,
): Page<Tenant> {
  const shards = Array.from({ length: SHARDS }, (_, shard) =>
    query(
      client,
      {
        TableName: tableName(stack, 'tenants'),
        IndexName: 'list',
        KeyConditionExpression: `LPK = :shard${after === null ? '' : ' AND LSK > :after'}`,
        ExpressionAttributeValues: {
          ':shard': shardPk(shard),
          ...(after === null ? {} : { ':after': after }),
        },
        Limit: Math.min(200, limit ?? 200),
      },
      'list tenants',
    ),
  );
  async function* merged(): AsyncGenerator<Tenant> {
    // Tenants pass by and leave nothing behind: on Node 24 the young generation would grow with them all the same.
    (await import('node:v8')).setFlagsFromString('--semi-space-growth-factor=1');
    const heads = await Promise.all(shards.map((shard) => shard.next()));
    for (;;) {
      let first = -1;
      for (const [shard, head] of heads.entries()) {
        if (head.done) continue;
        const best = heads[first];
        if (best === undefined || best.done || String(head.value['LSK']) < String(best.value['LSK']))
          first = shard;
      }
      const head = heads[first];
      if (head === undefined || head.done) return;
      const tenant = tenantOf(head.value);
      if (keep(tenant)) yield tenant;
      heads[first] = await (shards[first] as AsyncGenerator<Item>).next();
    }
  }
  return paged(merged(), limit, (tenant) => tenant.id);
}

/** Audit entries, newest first: one tenant's own, or everybody's day by day. */
export function auditPage(
  client: DynamoDBDocumentClient,
  stack: string,
  {
    tenantId,
    since,
    until,
    limit,
    after,
  }: { tenantId: string | null; since: string; until: string } & PageRequest,
): Page<AuditEntry> {
  const last = after ?? `${until}~`;
  const TableName = tableName(stack, 'tenants');
  const below = <T extends { at: string; id: string }>(entry: T): boolean =>
    after === null || auditSort(entry) < after;
  async function* entries(): AsyncGenerator<AuditEntry> {
    if (tenantId !== null) {
      const input = {
        TableName,
        KeyConditionExpression: 'PK = :pk AND SK BETWEEN :since AND :last',
        ExpressionAttributeValues: {
          ':pk': tenantPk(tenantId),
          ':since': `AUDIT#${since}`,
          ':last': `AUDIT#${last}`,
        },
        ScanIndexForward: false,
      };
      for await (const item of query(client, input, 'list the audit')) {
        const entry = auditEntryOf(item);
        if (below(entry)) yield entry;
      }
      return;
    }
    for (
      let day = Date.parse(`${last.slice(0, 10)}T00:00:00Z`);
      dayOf(day) >= since.slice(0, 10);
      day -= 86_400_000
    ) {
      const input = {
        TableName,
        IndexName: 'list',
        KeyConditionExpression: 'LPK = :day AND LSK BETWEEN :since AND :last',
        ExpressionAttributeValues: { ':day': auditDayPk(dayOf(day)), ':since': since, ':last': last },
        ScanIndexForward: false,
      };
      for await (const item of query(client, input, 'list the audit')) {
        const entry = auditEntryOf(item);
        if (below(entry)) yield entry;
      }
    }
  }
  return paged(entries(), limit, auditSort);
}
