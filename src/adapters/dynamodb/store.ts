import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { LedgerStore } from '../../core/billing/ports.ts';
import type { Census } from '../../core/cost/types.ts';
import { type GateItem, gatePk, type KeyMapping, keyHashPk, keyIdPk } from '../../core/gate/layout.ts';
import type { Key } from '../../core/keys/key.ts';
import type { ControlStore } from '../../core/ports.ts';
import { type TableName, tableName } from '../../core/schema.ts';
import { awsError } from '../aws-errors.ts';
import { READ_TRIES } from '../time-limits.ts';
import { type ClientSettings, documentClient, dynamoClient } from './client.ts';
import { commit } from './commit.ts';
import { dataTables } from './data-tables.ts';
import { hold } from './hold.ts';
import { auditItem, keyKey, keyNameKey, keyOf, profileKey, tenantOf, tenantPk } from './items.ts';
import { auditPage, query, tenantPage } from './pages.ts';
import { openTables } from './tables.ts';
import { usageStore } from './usage.ts';

type Item = Record<string, unknown>;

export interface OpenStore {
  store: ControlStore;
  /** The billing ledger, over the same connections. */
  ledger(): Promise<LedgerStore>;
  /** All tenants and their usage, over connections of its own. */
  census(): Promise<Census>;
  /** The credentials in use, for the functions that `dev` runs. */
  credentials(): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined }>;
}

/** The control store on DynamoDB, checked and, where `createMissing`, made. */
export async function openStore(
  settings: ClientSettings & { stack: string; createMissing: boolean },
): Promise<OpenStore> {
  const client = documentClient(settings);
  await openTables(client, settings.stack, settings.createMissing);
  // Made when something is to be written: most commands only read.
  let writer: DynamoDBDocumentClient | undefined;
  const writes = () => {
    writer ??= documentClient(settings, 1);
    return writer;
  };
  let reader: DynamoDBClient | undefined;
  const close = async () => {
    client.destroy();
    reader?.destroy();
    writer?.destroy();
  };
  return {
    store: { ...controlStore(client, writes, settings.stack), close },
    async ledger() {
      const { ledgerStore } = await import('./ledger-store.ts');
      return ledgerStore(client, writes, settings.stack);
    },
    async census() {
      const { openCensus } = await import('./census.ts');
      reader ??= dynamoClient(settings, READ_TRIES);
      return openCensus(reader, settings.stack);
    },
    credentials: () => client.config.credentials(),
  };
}

function controlStore(
  client: DynamoDBDocumentClient,
  writer: () => DynamoDBDocumentClient,
  stack: string,
): Omit<ControlStore, 'close'> {
  const read = async (table: TableName, Key: Item): Promise<Item | null> => {
    const { Item } = await client
      .send(new GetCommand({ TableName: tableName(stack, table), Key, ConsistentRead: true }))
      .catch((error: unknown) => {
        throw awsError(error, `read ${tableName(stack, table)}`);
      });
    return Item ?? null;
  };
  const gate = async (tenantId: string): Promise<GateItem | null> =>
    (await read('gates', { PK: gatePk(tenantId) })) as GateItem | null;
  const readKey = async (tenantId: string, keyId: string): Promise<Key | null> =>
    as(keyOf, await read('tenants', keyKey(tenantId, keyId)));

  return {
    gate,
    tenant: async (id) => as(tenantOf, await read('tenants', profileKey(id))),
    tenants: (page, keep) => tenantPage(client, stack, page, keep),
    gates: (tenantIds) => batchGates(client, stack, tenantIds),
    async key(keyId) {
      const owner = await read('apiKeys', { PK: keyIdPk(keyId) });
      return owner === null ? null : readKey(String(owner['tenantId']), keyId);
    },
    async *keys(tenantId) {
      const input = {
        TableName: tableName(stack, 'tenants'),
        KeyConditionExpression: 'PK = :pk AND begins_with(SK, :key)',
        ExpressionAttributeValues: { ':pk': tenantPk(tenantId), ':key': 'KEY#' },
        ConsistentRead: true,
      };
      for await (const item of query(client, input, 'list keys')) yield keyOf(item);
    },
    async keyNamed(tenantId, name) {
      const holder = await read('tenants', keyNameKey(tenantId, name));
      return holder === null ? null : readKey(tenantId, String(holder['keyId']));
    },
    mapping: async (hash) => (await read('apiKeys', { PK: keyHashPk(hash) })) as KeyMapping | null,
    ...usageStore(client, writer, stack, gate),
    audit: (request) => auditPage(client, stack, request),
    async note(audit) {
      await client
        .send(new PutCommand({ TableName: tableName(stack, 'tenants'), Item: auditItem(audit) }))
        .catch((error: unknown) => {
          throw awsError(error, `write to ${tableName(stack, 'tenants')}`);
        });
    },
    commit: (change) => commit(client, writer(), stack, change, gate),
    hold: (tenantId, operationId, until) => hold(client, stack, tenantId, operationId, until),
    dataTables: dataTables(client, stack),
  };
}

const as = <T>(of: (item: Item) => T, item: Item | null): T | null => (item === null ? null : of(item));

/** In batches of 100, unprocessed keys asked for again. */
async function batchGates(
  client: DynamoDBDocumentClient,
  stack: string,
  tenantIds: readonly string[],
): Promise<Map<string, GateItem>> {
  const table = tableName(stack, 'gates');
  const gates = new Map<string, GateItem>();
  for (let at = 0; at < tenantIds.length; at += 100) {
    let keys: Item[] = tenantIds.slice(at, at + 100).map((id) => ({ PK: gatePk(id) }));
    while (keys.length > 0) {
      const { Responses, UnprocessedKeys } = await client
        .send(new BatchGetCommand({ RequestItems: { [table]: { Keys: keys, ConsistentRead: true } } }))
        .catch((error: unknown) => {
          throw awsError(error, 'read usage');
        });
      for (const item of (Responses?.[table] ?? []) as unknown as GateItem[])
        gates.set(item.PK.slice('GATE#'.length), item);
      keys = UnprocessedKeys?.[table]?.Keys ?? [];
    }
  }
  return gates;
}
