// What a customer's function imports, with nothing but an environment.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { dayOf } from '../../../src/core/time.ts';
import { gateFixture, mappingFixture, putGate, putKey, readGate, STACK } from '../../fixtures/gate.ts';
import { NOW, openUsageWorld, type UsageWorld } from './world.ts';

let world: UsageWorld;
let library: typeof import('../../../src/runtime/index.ts');
const before = { ...process.env };
beforeAll(async () => {
  world = await openUsageWorld();
  // Its clock is the process's own: it stands still, and no midnight comes.
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  Object.assign(process.env, {
    SAASCTL_STACK: STACK,
    SAASCTL_METRICS: JSON.stringify({ exports: { unit: 'files', kind: 'counter' } }),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: world.endpoint,
    SAASCTL_TIMEOUT_MS: '30000',
  });
  library = await import('../../../src/runtime/index.ts');
});
afterAll(async () => {
  vi.useRealTimers();
  process.env = before;
  await world.close();
});

const TODAY = dayOf(NOW);

it('records, claims and releases', async () => {
  const { claim, recordUsage, recordUsageBatch, release } = library;
  const tenant = { tenantId: 'acme', limits: { storageBytes: null, maxUsers: 1 } };
  expect(await recordUsage('acme', 'exports', 2, { id: 'a' })).toEqual({ recorded: true });
  expect(await recordUsageBatch('acme', [{ metric: 'exports', amount: 3 }])).toEqual({ recorded: true });
  expect(await world.amount('acme', TODAY, 'exports')).toBe(5);
  expect(await claim(tenant, 'users', 1)).toMatchObject({ granted: true });
  expect(await claim(tenant, 'users', 1)).toMatchObject({ granted: false, limitName: 'maxUsers' });
  expect(await release(tenant, 'users', 1)).toMatchObject({ released: true });
  await expect(recordUsage('acme', 'export', 1)).rejects.toBeInstanceOf(library.SaasctlError);
});

it('times handlers behind an authorizer, one write a call', async () => {
  const context = { tenantId: 'timed', plan: 'pro', keyId: 'k1', env: 'live', scopes: '', apiCalls: 1 };
  const handler = library.withTenant(() => 'done');
  await handler({ requestContext: { authorizer: { lambda: context } } }, {});
  expect(await world.amount('timed', TODAY, 'compute_seconds')).toBeGreaterThanOrEqual(1);
});

it('inline lets the time ride with the tenant’s next call, and folds old days on the way', async () => {
  await putGate(world.wire, gateFixture({ PK: 'GATE#rides', u: { '2026-01-01': 41 } }));
  const key = await putKey(world.wire, mappingFixture({ tenantId: 'rides' }));
  const handler = library.withTenant((_event, { usage }) => usage.apiCalls, { mode: 'inline' });
  for (let calls = 0; calls < 2; calls++) await handler({ headers: { 'x-api-key': key } }, {});
  const { u } = await readGate(world.wire, 'rides');
  expect(u[TODAY]).toBe(2);
  expect(u[`${TODAY}.c`]).toBeGreaterThanOrEqual(1);
  await expect.poll(() => world.amount('rides', '2026-01-01', 'api_calls'), { timeout: 60_000 }).toBe(41);
});
