// The usage tables on a real engine, and a wire that loses, refuses and repeats what it is told to.
import { TABLES, tableName } from '../../../src/core/schema.ts';
import { metricsOf } from '../../../src/core/usage/metrics.ts';
import { createUsage, type UsageOptions } from '../../../src/runtime/usage/client.ts';
import type { Wire } from '../../../src/runtime/wire/client.ts';
import { type Item, marshalItem, unmarshalItem } from '../../../src/runtime/wire/marshal.ts';
import type { Reply } from '../../../src/runtime/wire/reply.ts';
import { STACK, startTestEngine } from '../../fixtures/gate.ts';

export const METRICS = metricsOf({
  exports: { unit: 'files', kind: 'counter' },
  tokens: { unit: 'thousands', kind: 'counter', scale: 3 },
  seats: { unit: 'seats', kind: 'gauge' },
});

export interface UsageWorld {
  endpoint: string;
  wire: Wire;
  /** Epoch ms. */
  clock: { now: number };
  usage(more?: Partial<UsageOptions>): ReturnType<typeof createUsage>;
  log: Item[];
  /** A tenant's items by sort key. */
  items(tenantId: string): Promise<Map<string, Item>>;
  amount(tenantId: string, day: string, metric: string): Promise<number>;
  close(): Promise<void>;
}

export const NOW = Date.parse('2026-11-22T12:00:00Z');

export async function openUsageWorld(): Promise<UsageWorld> {
  const { wire, endpoint, stop } = await startTestEngine();
  const TableName = tableName(STACK, 'usageMeters');
  await wire.send('CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['PK', 'SK'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: [
      { AttributeName: 'PK', KeyType: 'HASH' },
      { AttributeName: 'SK', KeyType: 'RANGE' },
    ],
  });
  if (!TABLES.usageMeters.sortKey) throw new Error('the table above is not that of the schema');
  const clock = { now: NOW };
  const log: Item[] = [];
  const world: UsageWorld = {
    endpoint,
    wire,
    clock,
    log,
    usage: (more = {}) =>
      createUsage({
        wire,
        stack: STACK,
        metrics: METRICS,
        dedupeDays: 34,
        log: (line) => log.push(line),
        now: () => clock.now,
        pause: async () => {},
        ...more,
      }),
    async items(tenantId) {
      const reply = await wire.send('Query', {
        TableName,
        KeyConditionExpression: 'PK = :pk',
        ExpressionAttributeValues: marshalItem({ ':pk': `TENANT#${tenantId}` }),
        ConsistentRead: true,
      });
      if (reply.kind !== 'applied') throw new Error(JSON.stringify(reply));
      const items = (reply.output['Items'] as unknown[]).map(unmarshalItem);
      return new Map(items.map((item) => [String(item['SK']), item]));
    },
    amount: async (tenantId, day, metric) =>
      Number((await world.items(tenantId)).get(`USAGE#${day}#${metric}`)?.['amount'] ?? 0),
    close: stop,
  };
  return world;
}

/** `lost`: applied, the answer lost. `dropped`: not applied, but nobody can tell. The others say so; `denied`: a 4xx. */
export type Fault = 'ok' | 'lost' | 'dropped' | 'throttled' | 'conflict' | 'unreachable' | 'denied';

/** A wire to the same engine on which the coming writes fare as told; after the last, all goes well. */
export function faultyWire(wire: Wire, next: () => Fault | undefined): Wire & { sent: string[] } {
  const sent: string[] = [];
  const said = (reason: 'throttled' | 'conflict' | 'unreachable' | 'rejected'): Reply => ({
    kind: 'not_applied',
    reason,
    code: reason,
    message: reason,
  });
  return {
    ...wire,
    sent,
    async send(operation, body) {
      sent.push(operation);
      const fault = operation === 'GetItem' || operation === 'Query' ? 'ok' : (next() ?? 'ok');
      if (fault === 'denied') return said('rejected');
      if (fault === 'throttled' || fault === 'unreachable') return said(fault);
      if (fault === 'conflict') {
        if (operation !== 'TransactWriteItems') return said(fault);
        const cancelled = [{ Code: 'None' }, { Code: 'TransactionConflict' }];
        return {
          kind: 'not_applied',
          reason: 'rejected',
          code: 'TransactionCanceledException',
          message: '',
          cancelled,
        };
      }
      if (fault !== 'dropped') {
        const reply = await wire.send(operation, body);
        if (fault === 'ok') return reply;
      }
      return { kind: 'ambiguous', reason: 'timeout', message: fault };
    },
  };
}

/** A seeded generator of numbers from 0 up to 1. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pick = <T>(random: () => number, choices: readonly T[]): T =>
  choices[Math.floor(random() * choices.length)] as T;
