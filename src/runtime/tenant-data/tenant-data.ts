import { createHash, randomUUID } from 'node:crypto';
import { tableName } from '../../core/schema.ts';
import { ISOLATIONS, type Isolation, isTenantId } from '../../core/tenants/tenant.ts';
import type { Pause } from '../retry.ts';
import type { Wire } from '../wire/client.ts';
import {
  type BatchGetResult,
  type BatchWrite,
  type BatchWriteResult,
  batchGet,
  batchWrite,
} from './batch.ts';
import { openCursor, sealCursor } from './cursor.ts';
import { Forbidden } from './errors.ts';
import {
  CONDITIONAL,
  type Conditional,
  checkedExpression,
  compileCondition,
  compilePlaceholders,
  type Placeholders,
} from './expressions.ts';
import { type NewItem, onlyOptions, ownItem, ownKey, type StoredItem, shown } from './own-keys.ts';
import { compileQuery, type QueryOptions, type QueryPage, startAfter } from './query.ts';
import { sendData } from './send.ts';
import { compileTransaction, type TransactWrite } from './transact.ts';

export interface GetOptions extends Pick<Placeholders, 'names'> {
  /** Consistent unless `false`. */
  consistent?: boolean | undefined;
  /** A projection expression: the attributes to return. */
  projection?: string | undefined;
}

/**
 * The tenant's own items, by their sort keys. There is no partition key, table, index, Scan or PartiQL to name.
 * Every method throws a `TenantDataFault`, or a TypeError for arguments that make no sense.
 */
export interface TenantData {
  /** `null` where there is none. */
  get(sk: string, options?: GetOptions): Promise<StoredItem | null>;
  /** Writes the whole item, in place of any before it. */
  put(item: NewItem, options?: Conditional): Promise<void>;
  /** Applies an update expression, such as `SET title = :t ADD visits :one`, and returns the item as it is then. */
  update(sk: string, update: string, options?: Conditional): Promise<StoredItem>;
  delete(sk: string, options?: Conditional): Promise<void>;
  query(options?: QueryOptions): Promise<QueryPage>;
  batchGet(sks: readonly string[]): Promise<BatchGetResult>;
  batchWrite(writes: readonly BatchWrite[]): Promise<BatchWriteResult>;
  /** All or none. The same `token` within ten minutes: once. */
  transact(writes: readonly TransactWrite[], options?: { token?: string | undefined }): Promise<void>;
}

/** Whose data; what `withTenant` hands to a handler will do. */
export interface TenantRef {
  readonly tenantId: string;
  /** `pool` unless given. */
  readonly isolation?: Isolation | undefined;
}

export interface Connection {
  /** Where a tenant's data is written with: its own credentials, where it has any. */
  wireFor(tenantId: string): Wire;
  stack: string;
  /** Of cursors; asked for with the first page that has one. */
  secret(): string | Promise<string>;
  pause: Pause;
}

/** The shared table, or the one of the tenant's own. */
export function dataTable(stack: string, { tenantId, isolation = 'pool' }: TenantRef): string {
  const shared = tableName(stack, 'appData');
  return isolation === 'pool' ? shared : `${shared}-${tenantId}`;
}

/** `tenantData` over a given connection. */
export function openTenantData(tenant: TenantRef, connection: Connection): TenantData {
  // Read once, so that nobody changes afterwards whose data this is.
  const { tenantId, isolation = 'pool' } = tenant;
  if (!isTenantId(tenantId)) throw new Forbidden(`${JSON.stringify(tenantId)} is not a tenant id`);
  if (!ISOLATIONS.includes(isolation)) throw new Forbidden('the isolation is pool, bridge or silo');
  const { stack, pause } = connection;
  const table = dataTable(stack, { tenantId, isolation });
  const batch = () => ({ wire: connection.wireFor(tenantId), table, tenantId, pause });
  const send = async (operation: string, body: object, repeat: Parameters<typeof sendData>[3]) =>
    sendData(connection.wireFor(tenantId), operation, body, repeat, pause);
  // A write that says itself what the item is may be made twice, unless it depends on what was there.
  const repeatOf = ({ condition }: Conditional) => (condition === undefined ? 'idempotent' : 'once');

  return {
    async get(sk, options = {}) {
      onlyOptions(options, ['consistent', 'projection', 'names']);
      const { consistent = true, projection } = options;
      const body = {
        TableName: table,
        Key: ownKey(tenantId, sk),
        ConsistentRead: consistent !== false,
        ...(projection === undefined ? {} : { ProjectionExpression: checkedExpression(projection) }),
        ...compilePlaceholders(options),
      };
      const { Item: found } = await send('GetItem', body, 'read');
      return found === undefined ? null : shown(tenantId, found);
    },

    async put(item, options = {}) {
      onlyOptions(options, CONDITIONAL);
      const body = { TableName: table, Item: ownItem(tenantId, item), ...compileCondition(options) };
      await send('PutItem', body, repeatOf(options));
    },

    async update(sk, update, options = {}) {
      onlyOptions(options, CONDITIONAL);
      const body = {
        TableName: table,
        Key: ownKey(tenantId, sk),
        UpdateExpression: checkedExpression(update),
        ReturnValues: 'ALL_NEW',
        ...compileCondition(options),
      };
      const { Attributes: now } = await send('UpdateItem', body, 'once');
      return shown(tenantId, now);
    },

    async delete(sk, options = {}) {
      onlyOptions(options, CONDITIONAL);
      const body = { TableName: table, Key: ownKey(tenantId, sk), ...compileCondition(options) };
      await send('DeleteItem', body, repeatOf(options));
    },

    async query(options = {}) {
      const { request, scope } = compileQuery(table, tenantId, options);
      const { cursor = null } = options;
      const start =
        cursor === null ? {} : startAfter(tenantId, openCursor(await connection.secret(), scope, cursor));
      const output = await send('Query', { ...request, ...start }, 'read');
      const items = (output['Items'] as unknown[]).map((item) => shown(tenantId, item));
      const last = output['LastEvaluatedKey'];
      const sk = last === undefined ? null : shown(tenantId, last)['SK'];
      if (sk === null) return { items, cursor: null };
      return { items, cursor: sealCursor(await connection.secret(), scope, String(sk)) };
    },

    batchGet: async (sks) => batchGet(batch(), sks),
    batchWrite: async (writes) => batchWrite(batch(), writes),

    async transact(writes, options = {}) {
      onlyOptions(options, ['token']);
      const TransactItems = compileTransaction(table, tenantId, writes);
      // With a token a transaction is made once, however often it is sent.
      const body = { TransactItems, ClientRequestToken: requestToken(table, tenantId, options.token) };
      await send('TransactWriteItems', body, 'idempotent');
    },
  };
}

/** Tokens are an account's: bound to the tenant, nobody's says anything of another's. */
function requestToken(table: string, tenantId: string, token: unknown = randomUUID()): string {
  if (typeof token !== 'string') throw new TypeError('a token is a string');
  const parts = JSON.stringify(['saasctl transaction 1', table, tenantId, token]);
  return createHash('sha256').update(parts).digest('base64url').slice(0, 36);
}
