import { describe, expect, it } from 'vitest';
import { SaasctlError } from '../../../src/core/errors.ts';
import {
  applyPlan,
  createTenant,
  deleteTenant,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../../src/core/tenants/mutations.ts';
import { unfinished } from '../../../src/core/tenants/operation.ts';
import {
  activateTenant,
  beginOffboarding,
  beginProvisioning,
  failTenant,
  finishOffboarding,
  releaseTenant,
} from '../../../src/core/tenants/provisioning.ts';
import { mayBecome, STATUSES, TRANSITIONS } from '../../../src/core/tenants/states.ts';
import { gateStatus, staying, type Tenant, type TenantStatus } from '../../../src/core/tenants/tenant.ts';
import { NOON, pro } from '../../fixtures/tenants.ts';

const run = { id: 'req_1', actor: 'me', now: NOON };
const base = createTenant(
  null,
  'acme',
  { isolation: 'bridge' },
  { plan: pro, ifNotExists: false, now: NOON, run },
).after;
const inState = (status: TenantStatus, more: Partial<Tenant> = {}): Tenant => ({
  ...base,
  status,
  operation: null,
  failure:
    status === 'failed'
      ? {
          during: 'provisioning',
          step: 'table',
          error: 'no',
          at: '2026-03-15T12:00:00.000Z',
          resumable: true,
        }
      : null,
  ...more,
});

/** What a verb makes of a tenant: the state it ends in, or the code of the error. */
const outcome = (verb: () => { after: Tenant; outcome: string }): string => {
  try {
    const done = verb();
    return done.outcome === 'unchanged' ? 'unchanged' : done.after.status;
  } catch (error) {
    if (error instanceof SaasctlError) return error.code;
    throw error;
  }
};

describe('the table of transitions', () => {
  it('is closed: every state leads to known ones, none to itself, and deleted to none', () => {
    for (const status of STATUSES) {
      for (const next of TRANSITIONS[status]) expect(STATUSES).toContain(next);
      expect(mayBecome(status, status)).toBe(false);
    }
    expect(TRANSITIONS.deleted).toEqual([]);
  });

  it('leads from every state but deleted to a deletion', () => {
    const reaches = (from: TenantStatus, seen = new Set<TenantStatus>()): boolean =>
      from === 'deleted' ||
      TRANSITIONS[from].some((next) => !seen.has(next) && reaches(next, new Set([...seen, next])));
    expect(STATUSES.filter((status) => !reaches(status))).toEqual([]);
  });

  it('opens the gate for an active tenant, and for no other', () => {
    expect(STATUSES.filter((status) => gateStatus(status) === 'active')).toEqual(['active']);
  });

  it('has the one state between, so that nothing is admitted before its resources are there', () => {
    expect(STATUSES.filter((status) => mayBecome(status, 'active'))).toEqual(['provisioning', 'suspended']);
  });
});

describe('what may be done in each state', () => {
  const create = (tenant: Tenant) =>
    createTenant(tenant, 'acme', {}, { plan: pro, ifNotExists: false, now: NOON, run });
  const verbs: Record<string, (tenant: Tenant) => { after: Tenant; outcome: string }> = {
    create,
    suspend: (tenant) => suspendTenant(tenant, NOON),
    resume: (tenant) => resumeTenant(tenant, NOON),
    update: (tenant) => updateTenant(tenant, { name: 'Other' }, () => pro, NOON),
    delete: (tenant) => beginOffboarding(tenant, run),
  };
  it.each<[TenantStatus, Record<string, string>]>([
    [
      'pending',
      {
        create: 'provisioning',
        suspend: 'tenant_not_ready',
        resume: 'tenant_not_ready',
        update: 'pending',
        delete: 'offboarding',
      },
    ],
    [
      'provisioning',
      {
        create: 'provisioning',
        suspend: 'tenant_not_ready',
        resume: 'tenant_not_ready',
        update: 'provisioning',
        delete: 'offboarding',
      },
    ],
    [
      'failed',
      {
        create: 'provisioning',
        suspend: 'tenant_not_ready',
        resume: 'tenant_not_ready',
        update: 'failed',
        delete: 'offboarding',
      },
    ],
    [
      'active',
      {
        create: 'unchanged',
        suspend: 'suspended',
        resume: 'unchanged',
        update: 'active',
        delete: 'offboarding',
      },
    ],
    [
      'suspended',
      {
        create: 'unchanged',
        suspend: 'unchanged',
        resume: 'active',
        update: 'suspended',
        delete: 'offboarding',
      },
    ],
    [
      'offboarding',
      {
        create: 'tenant_offboarding',
        suspend: 'tenant_not_ready',
        resume: 'tenant_not_ready',
        update: 'tenant_offboarding',
        delete: 'offboarding',
      },
    ],
    [
      'deleted',
      {
        create: 'tenant_id_used',
        suspend: 'tenant_deleted',
        resume: 'tenant_deleted',
        update: 'tenant_deleted',
        delete: 'unchanged',
      },
    ],
  ])('%s', (status, expected) => {
    const got = Object.fromEntries(
      Object.entries(verbs).map(([verb, does]) => [verb, outcome(() => does(inState(status)))]),
    );
    expect(got).toEqual(expected);
  });

  it('a deletion that failed is gone on with by delete, and never taken back by create', () => {
    const failure = { ...inState('failed').failure, during: 'offboarding' } as Tenant['failure'];
    const tenant = inState('failed', { failure });
    expect(outcome(() => create(tenant))).toBe('tenant_offboarding');
    expect(outcome(() => beginOffboarding(tenant, run))).toBe('offboarding');
  });

  it('keys can be made while a tenant waits for its resources, and not once it is being deleted', () => {
    const may = STATUSES.filter(
      (status) => outcome(() => ({ after: staying(inState(status), 'acme'), outcome: 'x' })) === status,
    );
    expect(may).toEqual(['pending', 'provisioning', 'active', 'suspended', 'failed']);
  });

  it('a pool tenant has nothing to take down: it is deleted at once', () => {
    const pool = { ...inState('active'), isolation: 'pool' } as const;
    expect(deleteTenant(pool, NOON).after.status).toBe('deleted');
  });

  it('plan apply reaches the gate of a tenant that is not ready, and leaves it shut', () => {
    const dearer = { ...pro, apiCallsPerMonth: 7, overage: 'block' } as const;
    const { after, gate } = applyPlan(inState('provisioning'), dearer, true, NOON);
    expect(after.status).toBe('provisioning');
    expect(gate).toContainEqual({ edit: 'status', to: 'suspended' });
  });
});

describe('a run and its tenant', () => {
  const held = {
    ...base,
    operation: { id: 'req_0', actor: 'you', startedAt: 'x', heldUntil: '2026-03-15T12:00:30.000Z' },
  };

  it('is begun with the profile: gate shut, run named', () => {
    const { after, gate } = createTenant(
      null,
      'acme',
      { isolation: 'silo' },
      { plan: pro, ifNotExists: false, now: NOON, run },
    );
    expect(after).toMatchObject({
      status: 'provisioning',
      operation: { id: 'req_1', actor: 'me' },
      version: 1,
    });
    expect(gate).toMatchObject([{ edit: 'create', gate: { status: 'suspended', iso: 'silo' } }]);
  });

  it('leaves alone what another one holds, takes over what is over or known to be dead', () => {
    expect(beginProvisioning(held, run).outcome).toBe('unchanged');
    expect(beginProvisioning(held, { ...run, dead: 'req_0' }).after.operation?.id).toBe('req_1');
    const taken = beginProvisioning(held, { ...run, now: NOON + 31_000 });
    expect(taken).toMatchObject({ after: { operation: { id: 'req_1' } }, gate: [] });
    expect(taken.changes).toContainEqual({ field: 'operation', from: 'req_0', to: 'req_1' });
  });

  it('a deletion does not cut into a creation at work; it waits for another deletion', () => {
    expect(outcome(() => beginOffboarding(held, run))).toBe('tenant_held');
    expect(outcome(() => beginOffboarding({ ...held, status: 'offboarding' }, run))).toBe('unchanged');
  });

  it('whoever was taken over records nothing any more', () => {
    expect(outcome(() => failTenant(held, run, 'stack', new Error('x')))).toBe('taken_over');
    expect(outcome(() => releaseTenant(held, run))).toBe('taken_over');
  });

  it('ends: active with an open gate, or a tombstone, or failed with the step', () => {
    expect(activateTenant(base, 'https://x', NOON)).toMatchObject({
      after: { status: 'active', operation: null, apiUrl: 'https://x' },
      gate: [{ edit: 'status', to: 'active' }],
    });
    const leaving = beginOffboarding(inState('active'), run);
    expect(leaving.gate).toEqual([{ edit: 'status', to: 'suspended' }, { edit: 'removeAllKeys' }]);
    expect(finishOffboarding(leaving.after, NOON).gate).toEqual([{ edit: 'status', to: 'deleted' }]);
    expect(
      failTenant(base, run, 'stack', new SaasctlError({ code: 'x', category: 'remote', message: 'why' })),
    ).toMatchObject({
      after: {
        status: 'failed',
        operation: null,
        failure: { during: 'provisioning', step: 'stack', error: 'why', resumable: true },
      },
      gate: [],
    });
  });

  it('of an error that is none of ours, nothing but the name is kept', () => {
    const { after } = failTenant(base, run, 'stack', new TypeError('sk_live_secret'));
    expect(after.failure).toMatchObject({ error: 'unexpected TypeError', resumable: false });
  });

  it('what is left to do is told by state and failure alone', () => {
    expect(STATUSES.map((status) => unfinished(inState(status)))).toEqual([
      'provisioning',
      'provisioning',
      null,
      null,
      'offboarding',
      'provisioning',
      null,
    ]);
  });
});
