import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Rate } from '../../../src/core/gate/layout.ts';
import { gatePk } from '../../../src/core/gate/layout.ts';
import { revokeKey } from '../../../src/core/keys/revoke.ts';
import type { Mutation } from '../../../src/core/mutation.ts';
import type { Plan } from '../../../src/core/plans.ts';
import { tableName } from '../../../src/core/schema.ts';
import { applyPlan, createTenant, deleteTenant, suspendTenant } from '../../../src/core/tenants/mutations.ts';
import type { Tenant } from '../../../src/core/tenants/tenant.ts';
import { putGate, readGate } from '../../fixtures/gate.ts';
import { free, NOON } from '../../fixtures/tenants.ts';
import { openStoreOnEngine, type StoreOnEngine } from '../engine.ts';
import type { Fault } from '../proxy.ts';
import { apply, commitOf, keyDraft, makeKey, makeTenant, STACK } from '../tenancy.ts';

/** After the tenant was made, so that the audit has an order. */
const LATER = NOON + 1_000;

let on: StoreOnEngine;
let tenant: Tenant;
let tenants = 0;
beforeAll(async () => {
  on = await openStoreOnEngine();
});
afterAll(() => on.close());
beforeEach(async () => {
  on.proxy.rule = () => undefined;
  tenant = await makeTenant(on.store, `tenant-${++tenants}`, free, NOON);
  on.proxy.calls.length = 0;
});

const commit = (mutation: Mutation) => on.store.commit(commitOf(mutation, LATER));

const actions = async (): Promise<string[]> => {
  const since = { since: '2000-01-01T00:00:00.000Z', until: '2100-01-01T00:00:00.000Z' };
  const found: string[] = [];
  const { items } = on.store.audit({ tenantId: tenant.id, ...since, limit: null, after: null });
  for await (const { action } of items) found.push(action);
  return found;
};

const transactions = () => on.proxy.operations().filter((operation) => operation === 'TransactWriteItems');

/** The fault on the first so many transactions; all of them unless told. */
function failing(fault: Fault, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  on.proxy.rule = ({ operation }) => (operation === 'TransactWriteItems' && left-- > 0 ? fault : undefined);
}

const onRate = (rate: Rate): Plan => ({ ...free, rate: rate.perSecond, burst: rate.burst });

describe('one mutation is one transaction', () => {
  it('writes profile, gate and audit with a single call', async () => {
    expect(await commit(suspendTenant(tenant, LATER))).toBe('applied');
    expect(on.proxy.operations()).toEqual(['TransactWriteItems']);
    expect((await on.store.tenant(tenant.id))?.status).toBe('suspended');
    expect((await on.store.gate(tenant.id))?.status).toBe('suspended');
    expect(await actions()).toEqual(['tenant.suspend', 'tenant.create']);
  });

  it('a refused gate leaves the profile and the audit as they were', async () => {
    await putGate(on.wire, { ...(await readGate(on.wire, tenant.id, STACK)), status: 'deleted' }, STACK);
    await expect(commit(suspendTenant(tenant, LATER))).rejects.toMatchObject({ code: 'gate_missing' });
    expect(await on.store.tenant(tenant.id)).toEqual(tenant);
    expect(await actions()).toEqual(['tenant.create']);
  });

  it('a refused gate leaves no key, no name, no way to it, and no trace', async () => {
    await putGate(on.wire, { ...(await readGate(on.wire, tenant.id, STACK)), status: 'deleted' }, STACK);
    const { mutation, hash } = keyDraft(tenant, { name: 'ci', now: NOON });
    await expect(commit(mutation)).rejects.toMatchObject({ code: 'gate_missing' });
    expect(await on.store.key(mutation.after.keyId)).toBeNull();
    expect(await on.store.keyNamed(tenant.id, 'ci')).toBeNull();
    expect(await on.store.mapping(hash)).toBeNull();
    expect(await actions()).toEqual(['tenant.create']);
  });

  it('of two creates of one tenant at once, one is told to plan again', async () => {
    const id = `${tenant.id}-twice`;
    const create = () => createTenant(null, id, {}, { plan: free, ifNotExists: false, now: NOON });
    expect((await Promise.all([commit(create()), commit(create())])).sort()).toEqual(['applied', 'stale']);
  });

  it('a change planned on an old version is stale, and asked for once only', async () => {
    await apply(on.store, suspendTenant(tenant, LATER), NOON);
    on.proxy.calls.length = 0;
    expect(await commit(applyPlan(tenant, onRate({ perSecond: 9, burst: 9 }), false, NOON))).toBe('stale');
    expect(transactions()).toHaveLength(1);
  });
});

describe('a living tenant without its gate', () => {
  const lost = { code: 'gate_missing', exitCode: 5, retryable: false, next: 'saasctl doctor' };

  it.each(['gone', 'deleted'] as const)('%s: says so, since no plan can ever be written', async (how) => {
    const { key } = await makeKey(on.store, tenant, { now: NOON });
    const current = (await on.store.tenant(tenant.id)) as Tenant;
    await losing(how);
    const { mutation } = keyDraft(current, { now: NOON });
    const rerate = applyPlan(current, onRate({ perSecond: 9, burst: 9 }), false, NOON);
    const revoke = revokeKey(key, false, LATER);
    for (const one of [suspendTenant(current, LATER), rerate, mutation, revoke])
      await expect(commit(one), one.action).rejects.toMatchObject({
        ...lost,
        message: expect.stringContaining(`its gate is ${how}`),
      });
    expect(await on.store.tenant(tenant.id)).toEqual(current);
    expect(await on.store.key(key.keyId)).toEqual(key);
  });

  it('is not what a plan on an old version is told', async () => {
    await apply(on.store, suspendTenant(tenant, LATER), NOON);
    await losing('gone');
    expect(await commit(suspendTenant(tenant, LATER))).toBe('stale');
  });

  it('nor one whose tenant was deleted meanwhile', async () => {
    const { key } = await makeKey(on.store, tenant, { now: NOON });
    await apply(on.store, deleteTenant((await on.store.tenant(tenant.id)) as Tenant, LATER), NOON);
    expect(await commit(revokeKey(key, false, LATER))).toBe('stale');
  });

  async function losing(how: 'gone' | 'deleted'): Promise<void> {
    const gate = await readGate(on.wire, tenant.id, STACK);
    if (how === 'deleted') return putGate(on.wire, { ...gate, status: 'deleted' }, STACK);
    const item = { TableName: tableName(STACK, 'gates'), Key: { PK: { S: gatePk(tenant.id) } } };
    expect((await on.wire.send('DeleteItem', item)).kind).toBe('applied');
  }
});

describe('what provably was not applied is tried again', () => {
  it.each(['conflict', 'throttle'] as const)('a %s, twice', async (fault) => {
    failing(fault, 2);
    expect(await commit(suspendTenant(tenant, LATER))).toBe('applied');
    expect(transactions()).toHaveLength(3);
    expect(await actions()).toEqual(['tenant.suspend', 'tenant.create']);
  });

  it('a bucket that crossed its clamp between the read of the gate and the write', async () => {
    const { key } = await makeKey(on.store, tenant, { now: NOON });
    const late = (NOON + 3_600_000) * 1000;
    let moved = false;
    on.proxy.rule = async ({ operation }) => {
      if (operation !== 'TransactWriteItems' || moved) return;
      moved = true;
      const gate = await readGate(on.wire, tenant.id, STACK);
      Object.assign(gate.k[key.keyId] ?? {}, { aat: late, tat: late });
      await putGate(on.wire, gate, STACK);
      return undefined;
    };
    const current = (await on.store.tenant(tenant.id)) as Tenant;
    on.proxy.calls.length = 0;
    expect(await commit(applyPlan(current, onRate({ perSecond: 10, burst: 4 }), false, NOON))).toBe(
      'applied',
    );
    expect(transactions()).toHaveLength(2);
    const T = 100_000;
    expect((await on.store.gate(tenant.id))?.k[key.keyId]).toMatchObject({
      T,
      bm: 2 * T,
      tat: LATER * 1000 + 4 * T,
      aat: LATER * 1000 + T,
    });
  });
});

describe('a lost answer', () => {
  it.each(['lose answer', 'half answer'] as const)(
    '(%s) of a write that was made is found by its audit entry, and the write is not sent again',
    async (fault) => {
      failing(fault);
      expect(await commit(suspendTenant(tenant, LATER))).toBe('applied');
      expect(transactions()).toHaveLength(1);
      expect(on.proxy.calls.at(-1)).toMatchObject({
        operation: 'GetItem',
        body: { Key: { SK: { S: expect.stringMatching(/^AUDIT#/) } } },
      });
      expect((await on.store.tenant(tenant.id))?.version).toBe(tenant.version + 1);
      expect(await actions()).toEqual(['tenant.suspend', 'tenant.create']);
    },
  );

  it('of a write that was not made: it is sent again, and made once', async () => {
    failing('cut', 1);
    expect(await commit(suspendTenant(tenant, LATER))).toBe('applied');
    expect(transactions()).toHaveLength(2);
    expect((await on.store.tenant(tenant.id))?.version).toBe(tenant.version + 1);
    expect(await actions()).toEqual(['tenant.suspend', 'tenant.create']);
  });

  it.each(['cut', 'web page'] as const)(
    '(%s) that leaves no trace stays ambiguous: it may yet arrive',
    async (fault) => {
      failing(fault);
      await expect(commit(suspendTenant(tenant, LATER))).rejects.toMatchObject({
        code: 'write_ambiguous',
        exitCode: 6,
        retryable: true,
      });
      expect((await on.store.tenant(tenant.id))?.status).toBe('active');
    },
  );
});
