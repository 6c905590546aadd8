import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/core/gate/layout.ts';
import { parseLimit } from '../../../src/core/tenants/limits.ts';
import {
  applyPlan,
  createTenant,
  deleteTenant,
  resumeTenant,
  suspendTenant,
  updateTenant,
} from '../../../src/core/tenants/mutations.ts';
import { checkTenantId } from '../../../src/core/tenants/tenant.ts';
import { free, NOON, pro, tenantOn } from '../../fixtures/tenants.ts';

const defaults = { plan: free, ifNotExists: false, now: NOON };
const limit = (...texts: string[]) => ({ limits: texts.map(parseLimit) });
const unasked = () => {
  throw new Error('the plan was not needed');
};

describe('a tenant id', () => {
  it.each(['acme', 'a1', '0-0', 'constructor', 'a'.repeat(63)])('%s is one', (id) => {
    expect(checkTenantId(id)).toBe(id);
  });
  it.each(['', 'a', '-a', 'A1', 'a b', 'a#b', 'a/b', 'a_b', '__proto__', '🚀🚀', 'a\n', 'a'.repeat(64)])(
    '%j is none',
    (id) => {
      expect(() => checkTenantId(id)).toThrow(
        expect.objectContaining({ code: 'bad_tenant_id', exitCode: 2 }),
      );
    },
  );
});

describe('creating', () => {
  it('plans profile and gate together', () => {
    const mutation = createTenant(null, 'acme', { plan: pro, ...limit('maxUsers=9') }, defaults);
    expect(mutation).toMatchObject({
      outcome: 'created',
      after: {
        id: 'acme',
        name: 'acme',
        plan: 'pro',
        status: 'active',
        version: 1,
        overrides: { maxUsers: 9 },
      },
      gate: [
        {
          edit: 'create',
          gate: { PK: 'GATE#acme', status: 'active', plan: 'pro', users: 9, m: {}, u: {}, k: {} },
        },
      ],
    });
  });

  it('lets a plan that bills overage through for ever, and keeps what it includes', () => {
    const [edit] = createTenant(null, 'acme', { plan: pro }, defaults).gate;
    expect(edit).toMatchObject({ gate: { limit: NEVER, calls: 100_000 } });
    const [blocked] = createTenant(null, 'acme', { plan: free }, defaults).gate;
    expect(blocked).toMatchObject({ gate: { limit: 1000, calls: 1000 } });
  });

  const acme = createTenant(
    null,
    'acme',
    { plan: pro, name: 'Acme', ...limit('maxUsers=9') },
    defaults,
  ).after;

  it('again is unchanged, comparing only what was typed', () => {
    for (const input of [
      {},
      { plan: pro },
      { name: 'Acme' },
      limit('maxUsers=9'),
      limit('storageBytes=plan'),
    ]) {
      expect(createTenant(acme, 'acme', input, defaults)).toMatchObject({
        outcome: 'unchanged',
        gate: [],
        changes: [],
      });
    }
  });

  it.each([
    [{ plan: free }, 'plan'],
    [{ name: 'Other' }, 'name'],
    [{ stripeCustomerId: 'cus_1' }, 'stripeCustomerId'],
    [limit('maxUsers=10'), 'maxUsers'],
    [limit('maxUsers=plan'), 'maxUsers'],
    [limit('apiCallsPerMonth=unlimited'), 'apiCallsPerMonth'],
  ])('differently is a conflict that names the field: %j', (input, field) => {
    expect(() => createTenant(acme, 'acme', input, defaults)).toThrow(
      expect.objectContaining({
        code: 'tenant_exists',
        exitCode: 5,
        message: expect.stringContaining(field),
      }),
    );
    expect(createTenant(acme, 'acme', input, { ...defaults, ifNotExists: true }).outcome).toBe('unchanged');
  });

  it('never uses a deleted id again', () => {
    const gone = deleteTenant(acme, NOON).after;
    for (const ifNotExists of [true, false]) {
      expect(() => createTenant(gone, 'acme', {}, { ...defaults, ifNotExists })).toThrow(
        expect.objectContaining({ code: 'tenant_id_used', exitCode: 5 }),
      );
    }
  });
});

describe('updating', () => {
  const acme = tenantOn(free);

  it('to another plan brings its limits and rate, and leaves the tenant’s own limits', () => {
    const own = updateTenant(acme, limit('maxUsers=50'), unasked, NOON).after;
    const moved = updateTenant(own, { plan: pro }, unasked, NOON);
    expect(moved.after).toMatchObject({
      plan: 'pro',
      limits: { apiCallsPerMonth: 100_000, maxUsers: 50 },
      version: 3,
    });
    expect(moved.gate.map(({ edit }) => edit)).toEqual(['limits', 'rates']);
  });

  it('one limit does not carry an unapplied edit of the plan along', () => {
    const edited = { ...free, apiCallsPerMonth: 5, storageBytes: 7 };
    const after = updateTenant(acme, limit('maxUsers=1'), () => edited, NOON).after;
    expect(after.limits).toEqual({ ...acme.limits, maxUsers: 1 });
  });

  it('k=plan drops the override', () => {
    const own = updateTenant(acme, limit('maxUsers=unlimited'), unasked, NOON).after;
    expect(own.limits.maxUsers).toBeNull();
    const back = updateTenant(own, limit('maxUsers=plan'), () => free, NOON).after;
    expect([back.limits.maxUsers, back.overrides]).toEqual([3, {}]);
  });

  it('to what is there is unchanged', () => {
    expect(updateTenant(acme, { plan: free, name: 'acme' }, unasked, NOON).outcome).toBe('unchanged');
  });
});

describe('applying a plan', () => {
  it('changes live what the file changed, and nothing the tenant has of its own', () => {
    const acme = updateTenant(tenantOn(free), limit('maxUsers=50'), unasked, NOON).after;
    const applied = applyPlan(acme, { ...free, apiCallsPerMonth: 2000, maxUsers: 4, rate: 9 }, false, NOON);
    expect(applied.after).toMatchObject({
      limits: { apiCallsPerMonth: 2000, maxUsers: 50 },
      rate: { perSecond: 9 },
    });
    expect(
      applyPlan(applied.after, { ...free, apiCallsPerMonth: 2000, maxUsers: 4, rate: 9 }, false, NOON)
        .outcome,
    ).toBe('unchanged');
  });

  it('sees a switch of the overage, which no limit shows', () => {
    const [edit] = applyPlan(tenantOn(free), { ...free, overage: 'bill' }, false, NOON).gate;
    expect(edit).toMatchObject({ edit: 'limits', to: { limit: NEVER, calls: 1000 } });
  });
});

describe('the life of a tenant', () => {
  const acme = tenantOn(free);

  it('suspends and resumes its gate, each once', () => {
    const suspended = suspendTenant(acme, NOON);
    expect(suspended.gate).toEqual([{ edit: 'status', to: 'suspended' }]);
    expect(suspendTenant(suspended.after, NOON).outcome).toBe('unchanged');
    expect(resumeTenant(suspended.after, NOON).gate).toEqual([{ edit: 'status', to: 'active' }]);
  });

  it('ends with its keys gone from the gate', () => {
    const deleted = deleteTenant(acme, NOON);
    expect(deleted.gate).toEqual([{ edit: 'status', to: 'deleted' }, { edit: 'removeAllKeys' }]);
    expect(deleteTenant(deleted.after, NOON).outcome).toBe('unchanged');
    expect(() => resumeTenant(deleted.after, NOON)).toThrow(
      expect.objectContaining({ code: 'tenant_deleted', exitCode: 3 }),
    );
  });
});

describe('what is billed of the past', () => {
  const linked = updateTenant(tenantOn(pro), { stripeCustomerId: 'cus_1' }, unasked, NOON).after;
  const LATER = NOON + 1000;
  const lateAt = new Date(LATER).toISOString();
  it.each<[string, Parameters<typeof updateTenant>[1], string | null]>([
    ['another first day', { billFrom: '2026-01-01' }, lateAt],
    ['another customer', { stripeCustomerId: 'cus_2' }, lateAt],
    ['the same customer and another name', { stripeCustomerId: 'cus_1', name: 'Acme Inc' }, linked.lateAt],
  ])('%s: the next sync looks at every day again only where it must', (_, input, expected) => {
    expect(linked.lateAt).toBe(new Date(NOON).toISOString());
    expect(updateTenant(linked, input, unasked, LATER).after.lateAt).toBe(expected);
  });
});

describe('a limit', () => {
  it.each([
    'maxUsers=-1',
    'maxUsers=1.5',
    'maxUsers=1e308',
    'maxUsers=',
    'maxUsers',
    'maxUser=1',
    'constructor=5',
    '__proto__=5',
    'maxUsers=1=2',
    'maxUsers=9000000000000000',
  ])('%j is refused', (text) => {
    expect(() => parseLimit(text)).toThrow(expect.objectContaining({ code: 'bad_limit', exitCode: 2 }));
  });
  it('says what was probably meant', () => {
    expect(() => parseLimit('maxUser=1')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('did you mean maxUsers?') }),
    );
  });
});
