// A stack of many tenants with a year of usage, on the engine: written as the tool stores it, not call by call.
import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { documentClient } from '../../src/adapters/dynamodb/client.ts';
import { profileItem } from '../../src/adapters/dynamodb/items.ts';
import type { GateItem } from '../../src/core/gate/layout.ts';
import { createTenant } from '../../src/core/tenants/mutations.ts';
import { dayOf } from '../../src/core/time.ts';
import { usageKey } from '../../src/core/usage/layout.ts';
import { CREDENTIALS, REGION } from '../adapters/tenancy.ts';
import { PLAN } from './world.ts';

export interface Stack {
  endpoint: string;
  /** Its tables are there. */
  stack: string;
  tenants: number;
  /** `yyyy-mm`. */
  months: readonly string[];
  /** Epoch ms. */
  now: number;
}

export const tenantName = (at: number): string => `tenant-${String(at).padStart(5, '0')}`;

/** Metered of every tenant in every month, each as one item: what a fold leaves behind, on fewer days. */
const METERED = [
  ['api_calls', 37],
  ['compute_seconds', 1_009],
  ['storage_bytes', 1_000_003],
] as const;

/** Tenants with their gates (calls of yesterday and today still on them), and their folded usage. */
export async function fillStack({ endpoint, stack, tenants, months, now }: Stack): Promise<void> {
  const client = documentClient({
    region: REGION,
    endpoint,
    credentials: CREDENTIALS,
    awsProfile: null,
    trace: null,
  });
  const born = Date.parse('2025-01-01T00:00:00Z');
  const put = writerOf(client);
  for (let at = 0; at < tenants; at++) {
    const id = tenantName(at);
    const mutation = createTenant(null, id, {}, { plan: PLAN, ifNotExists: false, now: born });
    await put(`${stack}-tenants`, profileItem(mutation.after));
    const gate: GateItem = {
      PK: `GATE#${id}`,
      status: 'active',
      plan: PLAN.name,
      limit: 1e9,
      calls: 1e9,
      bytes: 1e9,
      users: 1e9,
      m: { [dayOf(now).slice(0, 7)]: at + 1 },
      u: { [dayOf(now - 86_400_000)]: at + 1, [dayOf(now)]: 1 },
      k: {},
    };
    await put(`${stack}-gates`, gate);
    for (const month of months) {
      for (const [metric, amount] of METERED)
        await put(`${stack}-usage-meters`, {
          ...usageKey(id, `${month}-15`, metric),
          amount: amount * (at + 1),
        });
    }
  }
  await put.end();
  client.destroy();
}

/** Items in batches of 25, a few on their way at a time. */
function writerOf(client: DynamoDBDocumentClient) {
  const waiting = new Map<string, object[]>();
  const sending = new Set<Promise<unknown>>();
  const send = async (table: string) => {
    const items = waiting.get(table) ?? [];
    waiting.delete(table);
    if (items.length === 0) return;
    const requests = items.map((Item) => ({ PutRequest: { Item: Item as Record<string, unknown> } }));
    const sent = client
      .send(new BatchWriteCommand({ RequestItems: { [table]: requests } }))
      .finally(() => sending.delete(sent));
    sending.add(sent);
    if (sending.size >= 8) await Promise.race(sending);
  };
  const put = async (table: string, item: object): Promise<void> => {
    const items = waiting.get(table) ?? [];
    waiting.set(table, items);
    items.push(item);
    if (items.length === 25) await send(table);
  };
  return Object.assign(put, {
    async end() {
      for (const table of [...waiting.keys()]) await send(table);
      await Promise.all(sending);
    },
  });
}
