import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTenant, suspendTenant } from '../../../src/core/tenants/mutations.ts';
import { free, NOON } from '../../fixtures/tenants.ts';
import { openStoreOnEngine, type StoreOnEngine } from '../engine.ts';
import { apply } from '../tenancy.ts';

let on: StoreOnEngine;
beforeAll(async () => {
  on = await openStoreOnEngine();
});
afterAll(() => on.close());

describe('data tables of tenants’ own', () => {
  it('are made once, with the keys of the shared one', async () => {
    const { dataTables } = on.store;
    expect(await dataTables.find('acme')).toBeNull();
    const made = await Promise.all(Array.from({ length: 4 }, () => dataTables.make('acme')));
    expect(made.sort()).toEqual(['made', 'present', 'present', 'present']);
    expect(await dataTables.find('acme')).toEqual({ status: 'ACTIVE', isProtected: false, fits: true });
  });

  it('are listed by their tenants, over pages, and nobody else’s are', async () => {
    const { dataTables } = on.store;
    const ids = Array.from({ length: 120 }, (_, i) => `t${String(i).padStart(3, '0')}`);
    for (const id of ids) await dataTables.make(id);
    for (const TableName of ['local-app-databank', 'local-app-dat-x', 'local2-app-data-x', 'zzz'])
      await on.wire.send('CreateTable', {
        TableName,
        AttributeDefinitions: [{ AttributeName: 'PK', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'PK', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      });
    expect(await dataTables.list()).toEqual(['acme', ...ids]);
  });

  it('a refusal says what could not be done', async () => {
    on.proxy.rule = () => 'denied';
    const { dataTables } = on.store;
    for (const work of [() => dataTables.make('x'), () => dataTables.find('x'), () => dataTables.list()])
      await expect(work()).rejects.toMatchObject({ code: 'aws_denied', category: 'auth' });
    on.proxy.rule = () => undefined;
  });
});

describe('the hold on a tenant', () => {
  it('is put off by the run that has it, without a version, and by no other', async () => {
    const run = { id: 'req_1', actor: 'me', now: NOON };
    const defaults = { plan: free, ifNotExists: false, now: NOON, run };
    await apply(on.store, createTenant(null, 'held', { isolation: 'bridge' }, defaults), NOON);
    expect(await on.store.hold('held', 'req_1', '2026-03-15T13:00:00.000Z')).toBe(true);
    expect(await on.store.hold('held', 'req_2', '2027-03-15T13:00:00.000Z')).toBe(false);
    expect(await on.store.hold('nobody', 'req_1', '2027-03-15T13:00:00.000Z')).toBe(false);
    expect(await on.store.tenant('held')).toMatchObject({
      version: 1,
      operation: { id: 'req_1', heldUntil: '2026-03-15T13:00:00.000Z' },
    });
  });
});

it('a change is planned on a state as well as on a version', async () => {
  const tenant = createTenant(null, 'twofold', {}, { plan: free, ifNotExists: false, now: NOON });
  await apply(on.store, tenant, NOON);
  await on.wire.send('UpdateItem', {
    TableName: 'local-tenants',
    Key: { PK: { S: 'TENANT#twofold' }, SK: { S: 'PROFILE' } },
    UpdateExpression: 'SET #status = :status',
    ExpressionAttributeNames: { '#status': 'status' },
    ExpressionAttributeValues: { ':status': { S: 'suspended' } },
  });
  await expect(apply(on.store, suspendTenant(tenant.after, NOON), NOON)).rejects.toThrow('stale');
});
