import { keyHashPk } from '../../src/core/gate/layout.ts';
import { hashKey } from '../../src/core/keys/format.ts';
import { tableName } from '../../src/core/schema.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { marshalItem, unmarshalItem } from '../../src/runtime/wire/marshal.ts';

/**
 * The design that the gate replaces, done literally: one call for each thing a request has to pass. Same client,
 * same engine; each answer is read as far as a decision needs it.
 */
export async function openPrevious(wire: Wire, stack: string, secret: string) {
  const [apiKeys, tenants, meters] = (['apiKeys', 'tenants', 'usageMeters'] as const).map((name) =>
    tableName(stack, name),
  ) as [string, string, string];
  const ids = { PK: `OLD${keyHashPk(hashKey(secret))}` };
  const bucket = { PK: `OLDBUCKET#${secret.slice(-8)}` };
  const profile = { PK: 'TENANT#previous', SK: 'PROFILE' };
  const usage = { PK: 'TENANT#previous', SK: 'USAGE#2026-11' };
  const put = (TableName: string, item: object) =>
    must(wire, 'PutItem', { TableName, Item: marshalItem({ ...item }) });
  await put(apiKeys, { ...ids, tenantId: 'previous', status: 'active', expiresAt: Number.MAX_SAFE_INTEGER });
  await put(apiKeys, { ...bucket, tokens: 1_000_000_000, at: 0 });
  await put(tenants, { ...profile, status: 'active', plan: 'pro', apiCallsPerMonth: 1_000_000_000 });
  await put(meters, { ...usage, calls: 0 });

  return async function check(): Promise<boolean> {
    const key = await read(apiKeys, ids);
    if (key?.['status'] !== 'active') return false;
    await must(wire, 'UpdateItem', {
      TableName: apiKeys,
      Key: marshalItem(ids),
      UpdateExpression: 'SET lastUsed = :now',
      ExpressionAttributeValues: marshalItem({ ':now': Date.now() }),
    });
    const tenant = await read(tenants, profile);
    if (tenant?.['status'] !== 'active') return false;
    const used = await must(wire, 'Query', {
      TableName: meters,
      KeyConditionExpression: 'PK = :pk AND begins_with(SK, :month)',
      ExpressionAttributeValues: marshalItem({ ':pk': usage.PK, ':month': 'USAGE#2026-11' }),
    });
    const items = (used['Items'] as object[]).map(unmarshalItem);
    const calls = items.reduce((sum, item) => sum + Number(item['calls']), 0);
    if (calls >= Number(tenant['apiCallsPerMonth'])) return false;
    await must(wire, 'UpdateItem', {
      TableName: apiKeys,
      Key: marshalItem(bucket),
      UpdateExpression: 'SET tokens = tokens - :one, #at = :now',
      ConditionExpression: 'tokens >= :one',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: marshalItem({ ':one': 1, ':now': Date.now() }),
    });
    await must(wire, 'UpdateItem', {
      TableName: meters,
      Key: marshalItem(usage),
      UpdateExpression: 'ADD calls :one',
      ExpressionAttributeValues: marshalItem({ ':one': 1 }),
    });
    return true;
  };

  async function read(TableName: string, key: object) {
    const output = await must(wire, 'GetItem', { TableName, Key: marshalItem({ ...key }) });
    return output['Item'] === undefined ? null : unmarshalItem(output['Item']);
  }
}

async function must(wire: Wire, operation: string, body: object): Promise<Record<string, unknown>> {
  const reply = await wire.send(operation, body);
  if (reply.kind !== 'applied') throw new Error(`${operation}: ${JSON.stringify(reply)}`);
  return reply.output;
}
