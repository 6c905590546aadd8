import { expect, it } from 'vitest';
import { NEVER } from '../../../src/core/gate/layout.ts';
import { tenantOf } from '../../../src/core/gate/tenant.ts';
import { gateFixture, keyFixture, mappingFixture, NOON } from '../../fixtures/gate.ts';

it('tells a handler who calls, under which limits, and what is left of the month', () => {
  const k1 = keyFixture(undefined, { sc: 'read write' });
  const gate = gateFixture({
    calls: 1000,
    bytes: 5_000,
    users: 3,
    m: { '2026-10': 9, '2026-11': 12 },
    k: { k1 },
  });
  expect(tenantOf(gate, mappingFixture({ env: 'test' }), NOON)).toEqual({
    tenantId: 'acme',
    plan: 'pro',
    isolation: 'pool',
    limits: { apiCallsPerMonth: 1000, storageBytes: 5_000, maxUsers: 3 },
    keyId: 'k1',
    env: 'test',
    scopes: ['read', 'write'],
    usage: { apiCalls: 12, remaining: 988 },
  });
});

it('shows what is unlimited as null, and no scopes as none', () => {
  const tenant = tenantOf(gateFixture(), mappingFixture(), NOON);
  expect(tenant.limits).toEqual({ apiCallsPerMonth: null, storageBytes: null, maxUsers: null });
  expect(tenant.usage).toEqual({ apiCalls: 0, remaining: null });
  expect(tenant.scopes).toEqual([]);
});

it('has nothing remaining once billed overage has begun', () => {
  const gate = gateFixture({ limit: NEVER, calls: 10, m: { '2026-11': 15 } });
  expect(tenantOf(gate, mappingFixture(), NOON).usage).toEqual({ apiCalls: 15, remaining: 0 });
});
