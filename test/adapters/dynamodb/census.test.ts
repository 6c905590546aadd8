// What the census reads in bulk is what the store reads item by item.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCensus } from '../../../src/adapters/dynamodb/census.ts';
import { dynamoClient } from '../../../src/adapters/dynamodb/client.ts';
import type { Census } from '../../../src/core/cost/types.ts';
import { gateDays } from '../../../src/core/usage/usage.ts';
import { fillStack, tenantName } from '../../bench/cost-stack.ts';
import { openStoreOnEngine, type StoreOnEngine } from '../engine.ts';
import { CREDENTIALS, REGION, STACK } from '../tenancy.ts';

const TENANTS = 130;
let on: StoreOnEngine;
let census: Census;
let client: ReturnType<typeof dynamoClient>;
const ids = Array.from({ length: TENANTS }, (_, at) => tenantName(at));

beforeAll(async () => {
  on = await openStoreOnEngine();
  const { endpoint } = on.proxy;
  const now = Date.parse('2026-11-20T12:00:00Z');
  await fillStack({ endpoint, stack: STACK, tenants: TENANTS, months: ['2026-09', '2026-10'], now });
  const settings = { region: REGION, endpoint, credentials: CREDENTIALS, awsProfile: null, trace: null };
  client = dynamoClient(settings, 3);
  census = openCensus(client, STACK);
});
afterAll(async () => {
  client.destroy();
  await on.close();
});

it('lists every tenant, in order, as the store has it', async () => {
  const listed = await census.tenants();
  expect(listed.map(({ id }) => id)).toEqual(ids);
  expect(await on.store.tenant('tenant-00007')).toMatchObject(listed[7] ?? {});
});

it('reads folded usage and what is on the gates, of all at once', async () => {
  const folded = await census.folded(ids, '2026-10-01', '2026-10-31');
  const bare = (await on.store.usage('tenant-00099', '2026-10-01', '2026-10-31')).map(
    ({ day, metric, amount }) => ({ day, metric, amount }),
  );
  expect(bare).toHaveLength(3);
  expect(folded.get('tenant-00099')).toEqual(bare);
  expect(folded.size).toBe(TENANTS);
  const onGates = await census.onGates([...ids, 'nobody']);
  expect(onGates.size).toBe(TENANTS);
  const sorted = (items: readonly { day: string }[]) => [...items].sort((a, b) => (a.day < b.day ? -1 : 1));
  const gate = await on.store.gate('tenant-00129');
  expect(sorted(onGates.get('tenant-00129') ?? [])).toEqual(sorted(gateDays(gate, '')));
});

it('an error is the store’s, not an empty answer', async () => {
  const other = dynamoClient(
    { region: REGION, endpoint: on.proxy.endpoint, credentials: CREDENTIALS, awsProfile: null, trace: null },
    1,
  );
  await expect(openCensus(other, 'nowhere').tenants()).rejects.toMatchObject({ name: 'SaasctlError' });
  other.destroy();
});
