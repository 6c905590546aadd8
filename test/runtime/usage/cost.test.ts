// What usage costs in write units, as the docs say it. The engine counts as AWS does: two a write in a transaction.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { foldPlan } from '../../../src/core/usage/fold.ts';
import { write } from '../../../src/runtime/usage/writes.ts';
import { createWire, type Wire } from '../../../src/runtime/wire/client.ts';
import { startProxy, type WireProxy } from '../../adapters/proxy.ts';
import { CREDENTIALS, gateFixture, putGate, STACK } from '../../fixtures/gate.ts';
import { NOW, openUsageWorld, type UsageWorld } from './world.ts';

let world: UsageWorld;
let proxy: WireProxy;
let wire: Wire;
beforeAll(async () => {
  world = await openUsageWorld();
  proxy = await startProxy(world.endpoint, { capacity: true });
  wire = createWire({
    endpoint: proxy.endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    timeoutMs: 5_000,
  });
});
afterAll(async () => {
  wire.close();
  await proxy.close();
  await world.close();
});

/** Write units of what `work` sends. */
async function units(work: () => Promise<unknown>): Promise<number> {
  proxy.calls.length = 0;
  await work();
  return proxy.calls
    .flatMap(({ answer }) => [answer?.body.ConsumedCapacity ?? []].flat())
    .reduce((sum: number, { CapacityUnits }: { CapacityUnits: number }) => sum + CapacityUnits, 0);
}

it('recording: 1 without an id, 4 with one, 2 a line and 2 for the id of a batch', async () => {
  const { recordUsage, recordUsageBatch } = world.usage({ wire });
  expect(await units(() => recordUsage('acme', 'exports', 1))).toBe(1);
  expect(await units(() => recordUsage('acme', 'exports', 1, { id: 'a' }))).toBe(4);
  const events = ['exports', 'tokens', 'exports'].map((metric) => ({ metric, amount: 1 }));
  expect(await units(() => recordUsageBatch('acme', events, { id: 'b' }))).toBe(6);
  expect(await units(() => recordUsageBatch('acme', events))).toBe(4);
});

it('a gauge: 1 while it grows, 4 with an id', async () => {
  const { claim } = world.usage({ wire });
  const tenant = { tenantId: 'acme', limits: { storageBytes: null, maxUsers: null } };
  await claim(tenant, 'users', 1);
  expect(await units(() => claim(tenant, 'users', 1))).toBe(1);
  expect(await units(() => claim(tenant, 'users', 1, { id: 'c' }))).toBe(4);
});

it('folding a day: 4, with compute time 6', async () => {
  const fold = (u: Record<string, number>) => async () => {
    const gate = gateFixture({ PK: 'GATE#fold', u });
    await putGate(world.wire, gate);
    await write(wire, STACK, foldPlan(gate, NOW) ?? [], {}, async () => {});
  };
  expect(await units(fold({ '2026-11-19': 5, '2026-11-22': 1 }))).toBe(4);
  expect(await units(fold({ '2026-11-19': 5, '2026-11-19.c': 900, '2026-11-22': 1 }))).toBe(6);
});
