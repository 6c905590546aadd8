import { describe, expect, it } from 'vitest';
import type { StackState } from '../../../src/core/deploy/ports.ts';
import { STANDINGS } from '../../../src/core/deploy/states.ts';
import type { GateItem } from '../../../src/core/gate/layout.ts';
import { createTenant } from '../../../src/core/tenants/mutations.ts';
import { operationOf } from '../../../src/core/tenants/operation.ts';
import { type Place, type Reality, reconcile, strays } from '../../../src/core/tenants/reconcile.ts';
import { STATUSES } from '../../../src/core/tenants/states.ts';
import { gateStatus, type Tenant, type TenantStatus } from '../../../src/core/tenants/tenant.ts';
import { NOON, pro } from '../../fixtures/tenants.ts';

const run = { id: 'req_1', actor: 'me', now: NOON };
const made = createTenant(
  null,
  'acme',
  { isolation: 'silo' },
  { plan: pro, ifNotExists: false, now: NOON, run },
);
const gateOf = (made.gate[0] as { gate: GateItem }).gate;
const place: Place = { stack: 'prod', region: 'eu-central-1', isLocal: false, now: NOON + 3_600_000 };
const stack: StackState = {
  name: 'prod-tenant-acme',
  id: 'arn:stack',
  status: 'UPDATE_COMPLETE',
  reason: null,
  outputs: { ApiUrl: 'https://acme' },
  parameters: { Isolation: 'silo', DeletionProtection: 'true' },
  tags: { 'saasctl-stack': 'prod', 'saasctl-tenant': 'acme' },
  updatedAt: null,
};

const inState = (status: TenantStatus, more: Partial<Tenant> = {}): Tenant => ({
  ...made.after,
  status,
  apiUrl: status === 'active' ? 'https://acme' : null,
  failure:
    status === 'failed'
      ? { during: 'provisioning', step: 'stack', error: 'no', at: 'x', resumable: true }
      : null,
  ...more,
});
const real = (tenant: Tenant, more: Partial<Reality> = {}): Reality => ({
  gate: { ...gateOf, status: gateStatus(tenant.status) },
  table: { isProtected: false },
  stack,
  ...more,
});
/** `check status`, and whether it is mended. */
const found = (tenant: Tenant, more: Partial<Reality> = {}, at = place): string[] =>
  reconcile(tenant, real(tenant, more), at).map(
    ({ check, status, mend }) => `${check} ${status}${mend === null ? '' : ' mend'}`,
  );

describe('a tenant that is ready', () => {
  it('is as recorded when gate, table, stack and address are', () => {
    expect(found(inState('active'))).toEqual([]);
  });

  it('each thing that is missing or otherwise is told; only what loses nothing is mended', () => {
    const active = inState('active');
    expect(found(active, { table: null })).toEqual(['table fail']);
    expect(found(active, { table: null, stack: null }, { ...place, isLocal: true })).toEqual([
      'table fail mend',
    ]);
    expect(found(active, { stack: null })).toEqual(['stack fail']);
    expect(found(active, { stack: { ...stack, tags: {} } })).toEqual(['stack fail']);
    expect(found(active, { stack: { ...stack, outputs: { ApiUrl: 'https://new' } } })).toEqual([
      'api fail mend',
    ]);
    expect(found(active, { gate: null })).toEqual(['gate fail']);
    expect(found(active, { gate: { ...gateOf, status: 'suspended' } })).toEqual(['gate fail mend']);
    expect(found(active, { gate: { ...gateOf, status: 'active', iso: 'bridge' } })).toEqual(['gate fail']);
    // A deleted gate takes no edit.
    expect(found(active, { gate: { ...gateOf, status: 'deleted' } })).toEqual(['gate fail']);
  });

  it('a stack that went back to what ran before is no fault of it, and told', () => {
    const status = 'UPDATE_ROLLBACK_COMPLETE';
    expect(found(inState('active'), { stack: { ...stack, status } })).toEqual(['stack ok']);
  });

  it('no status of a stack is taken for a good one that is not', () => {
    const told = Object.keys(STANDINGS).filter(
      (status) => found(inState('active'), { stack: { ...stack, status } }).length === 0,
    );
    expect(told).toEqual(
      ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_FAILED', 'IMPORT_COMPLETE'].filter((one) =>
        told.includes(one),
      ),
    );
    expect(told).toContain('CREATE_COMPLETE');
  });
});

describe('a tenant on its way', () => {
  const late = inState('provisioning', { operation: operationOf(run) });

  it('is let be while its run lives', () => {
    expect(found(late, {}, { ...place, now: NOON + 1_000 })).toEqual(['state warn']);
  });

  it('is mended only where all is there and nobody is at work', () => {
    expect(found(late)).toEqual(['state fail mend']);
    for (const more of [
      { table: null },
      { stack: null },
      { stack: { ...stack, status: 'UPDATE_ROLLBACK_COMPLETE' } },
      { stack: { ...stack, status: 'CREATE_IN_PROGRESS' } },
      { stack: { ...stack, tags: {} } },
      { stack: { ...stack, parameters: { ...stack.parameters, Isolation: 'bridge' } } },
      // Made, and killed before the table was protected.
      { stack: { ...stack, parameters: { ...stack.parameters, DeletionProtection: 'false' } } },
    ])
      expect(found(late, more), JSON.stringify(more)).toEqual(['state fail']);
    const [finding] = reconcile(late, real(late), place);
    expect(finding?.mend).toMatchObject({
      after: { status: 'active', apiUrl: 'https://acme', operation: null },
      gate: [{ edit: 'status', to: 'active' }],
    });
  });

  it('a deletion is finished once the stack is gone, and not before', () => {
    const leaving = inState('offboarding');
    expect(found(leaving)).toEqual(['state fail']);
    expect(found(leaving, { stack: null })).toEqual(['state fail mend']);
  });

  it('names the command that goes on', () => {
    const remedies = (['pending', 'failed', 'offboarding'] as const).map(
      (status) => reconcile(inState(status), real(inState(status)), place)[0]?.remedy,
    );
    expect(remedies).toEqual([
      'saasctl tenant create acme --isolation silo',
      'saasctl tenant create acme --isolation silo',
      'saasctl tenant delete acme --confirm acme',
    ]);
  });
});

describe('what should not be there', () => {
  it('a deleted tenant’s stack is wrong, its table is kept on purpose', () => {
    expect(found(inState('deleted'))).toEqual(['stack fail', 'table ok']);
    expect(found(inState('deleted'), { stack: null, table: null })).toEqual([]);
  });

  it('a deleted tenant’s gate is shut for good', () => {
    const [finding] = reconcile(
      inState('deleted'),
      { gate: { ...gateOf, status: 'active' }, table: null, stack: null },
      place,
    );
    expect(finding?.mend).toMatchObject({
      gate: [{ edit: 'status', to: 'deleted' }, { edit: 'removeAllKeys' }],
    });
  });

  it('what a pool tenant has to itself, and what nobody has', () => {
    const pool = inState('active', { isolation: 'pool' });
    const { iso: _, ...shared } = gateOf;
    expect(found(pool, { gate: { ...shared, status: 'active' } })).toEqual(['stack fail', 'table warn']);
    expect(strays('ghost', { table: { isProtected: true }, stack: null }, place)).toMatchObject([
      { check: 'table', status: 'warn', remedy: expect.stringContaining('--no-deletion-protection-enabled') },
    ]);
  });
});

it('nothing is ever mended but a state, a gate, an address, or an empty local table', () => {
  const things = [
    undefined,
    { table: null },
    { stack: null },
    { gate: null },
    { table: null, stack: null },
  ] as const;
  for (const status of STATUSES) {
    for (const more of things) {
      const tenant = inState(status);
      for (const { mend } of reconcile(tenant, real(tenant, more ?? {}), place)) {
        if (mend === null || mend === 'table') continue;
        expect(['tenant.mend', 'tenant.activate', 'tenant.delete'], status).toContain(mend.action);
        expect(mend.before?.version).toBe(tenant.version);
      }
    }
  }
});
