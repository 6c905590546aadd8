import type { Pause } from '../retry.ts';
import type { Wire } from '../wire/client.ts';
import { Ambiguous, Throttled } from './errors.ts';
import { type NewItem, onlyOptions, ownItem, ownKey, type StoredItem, shown } from './own-keys.ts';
import { backOff, MAX_TRIES, sendData } from './send.ts';
import type { AttributeValue } from './values.ts';

export type BatchWrite = { put: NewItem } | { delete: string };

export interface BatchGetResult {
  /** The items found, in no order. */
  items: StoredItem[];
  /** Sort keys that DynamoDB did not get to, after all tries: ask for them again. */
  unprocessed: string[];
}

export interface BatchWriteResult {
  /** Writes not known to have been made, after all tries. Each is whole, so sending it again is safe. */
  unprocessed: BatchWrite[];
}

interface Batch {
  wire: Wire;
  table: string;
  tenantId: string;
  pause: Pause;
}

type Key = { SK?: AttributeValue };

/** What one call of DynamoDB takes. */
const GETS = 100;
const WRITES = 25;

/** Any number of items by their sort keys. */
export async function batchGet(batch: Batch, sks: readonly string[]): Promise<BatchGetResult> {
  const { table, tenantId } = batch;
  const keys = [...new Set(sks)].map((sk) => ownKey(tenantId, sk));
  const items: StoredItem[] = [];
  const left = await inChunks(batch, 'read', keys, GETS, async (chunk) => {
    const body = { RequestItems: { [table]: { Keys: chunk, ConsistentRead: true } } };
    const output = await sendData(batch.wire, 'BatchGetItem', body, 'read', batch.pause);
    items.push(...listed(output['Responses'], table).map((item) => shown(tenantId, item)));
    const rest = memberOf(memberOf(output['UnprocessedKeys'], table), 'Keys');
    return Array.isArray(rest) ? (rest as typeof keys) : [];
  });
  return { items, unprocessed: left.map(sortKeyOf) };
}

/** Any number of puts and deletes, each whole and without a condition; not one transaction. */
export async function batchWrite(batch: Batch, writes: readonly BatchWrite[]): Promise<BatchWriteResult> {
  const { table, tenantId } = batch;
  const bySk = new Map<string, BatchWrite>();
  const requests = writes.map((write) => {
    const request = writeRequest(tenantId, write);
    const sk = sortKeyOf(keyOf(request));
    if (bySk.has(sk)) throw new TypeError(`two writes of ${JSON.stringify(sk)} in one batch have no order`);
    bySk.set(sk, write);
    return request;
  });
  const left = await inChunks(batch, 'write', requests, WRITES, async (chunk) => {
    const body = { RequestItems: { [table]: chunk } };
    const output = await sendData(batch.wire, 'BatchWriteItem', body, 'idempotent', batch.pause);
    return listed(output['UnprocessedItems'], table) as WriteRequest[];
  });
  return { unprocessed: left.flatMap((request) => bySk.get(sortKeyOf(keyOf(request))) ?? []) };
}

interface WriteRequest {
  PutRequest?: { Item: Key };
  DeleteRequest?: { Key: Key };
}

function writeRequest(tenantId: string, write: BatchWrite): WriteRequest {
  onlyOptions(write, ['put', 'delete']);
  if ('put' in write === 'delete' in write) throw new TypeError('a batch is of { put } and { delete }');
  return 'put' in write
    ? { PutRequest: { Item: ownItem(tenantId, write.put) } }
    : { DeleteRequest: { Key: ownKey(tenantId, write.delete) } };
}

const keyOf = ({ PutRequest, DeleteRequest }: WriteRequest): Key =>
  PutRequest?.Item ?? DeleteRequest?.Key ?? {};
const sortKeyOf = ({ SK }: Key): string => String(SK?.['S']);

/** Runs chunk after chunk, what is left of each again with back-off; returns what is left in the end. */
async function inChunks<T>(
  { pause }: Batch,
  kind: 'read' | 'write',
  all: readonly T[],
  size: number,
  run: (chunk: T[]) => Promise<T[]>,
): Promise<T[]> {
  const left: T[] = [];
  for (let at = 0; at < all.length; at += size) {
    let chunk = all.slice(at, at + size);
    for (let tries = 1; chunk.length > 0 && tries <= MAX_TRIES; tries++) {
      if (tries > 1) await backOff(pause, tries);
      try {
        chunk = await run(chunk);
      } catch (error) {
        // The chunks before are done: what is left is told rather than thrown away with them.
        if (!(error instanceof Throttled || (kind === 'write' && error instanceof Ambiguous))) throw error;
        break;
      }
    }
    left.push(...chunk);
  }
  return left;
}

function listed(from: unknown, table: string): unknown[] {
  const list = memberOf(from, table);
  return Array.isArray(list) ? list : [];
}

const memberOf = (from: unknown, name: string): unknown =>
  typeof from === 'object' && from !== null ? (from as Record<string, unknown>)[name] : undefined;
