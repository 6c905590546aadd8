import { describe, expect, it } from 'vitest';
import { compileEdits, type GateEdit } from '../../../src/core/gate/edits.ts';
import { type GateItem, NEVER } from '../../../src/core/gate/layout.ts';
import { takesJwts } from '../../../src/core/tenants/jwt-access.ts';
import { applyPlan, createTenant, deleteTenant } from '../../../src/core/tenants/mutations.ts';
import { free, NOON, pro } from '../../fixtures/tenants.ts';

const create = (jwt: boolean) =>
  createTenant(null, 'acme', { plan: pro }, { plan: free, ifNotExists: false, now: NOON, jwt });
const gateOf = (edits: readonly GateEdit[]): GateItem => {
  const made = edits.find((edit) => edit.edit === 'create');
  if (made?.edit !== 'create') throw new Error('no gate was created');
  return made.gate;
};

describe('the pseudo-key for JWTs', () => {
  it('comes with a tenant made while the profile takes them, at the rate of the plan', () => {
    const gate = gateOf(create(true).gate);
    expect(gate.k).toEqual({
      jwt: expect.objectContaining({ inh: true, aat: 0, tat: 0, s: { jwt: NEVER } }),
    });
    expect(gate.k['jwt']?.T).toBe(Math.ceil(1e6 / (pro.rate as number)));
    expect(takesJwts(gate)).toBe(true);
    expect(gateOf(create(false).gate).k).toEqual({});
  });

  it('is brought by plan apply where it is missing, and nothing else changes', () => {
    const tenant = create(false).after;
    expect(applyPlan(tenant, pro, false, NOON).outcome).toBe('unchanged');
    const applied = applyPlan(tenant, pro, false, NOON, true);
    expect(applied).toMatchObject({ outcome: 'updated', changes: [] });
    expect(applied.gate).toEqual([
      { edit: 'addKey', keyId: 'jwt', key: expect.objectContaining({ inh: true }) },
    ]);
    expect(compileEdits(applied.gate, null, NOON * 1000).ConditionExpression).toContain(
      'attribute_not_exists(',
    );
  });

  it('is not brought to a deleted tenant, and goes with one', () => {
    const deleted = deleteTenant(create(true).after, NOON);
    expect(deleted.gate).toContainEqual({ edit: 'removeAllKeys' });
    expect(applyPlan(deleted.after, pro, false, NOON, true).outcome).toBe('unchanged');
  });

  it('takes the new rate along with the other keys', () => {
    const { after, gate } = create(true);
    const slower = applyPlan(after, { ...pro, rate: 1, burst: 2 }, false, NOON);
    const update = compileEdits(slower.gate, gateOf(gate), NOON * 1000);
    expect(Object.values(update.ExpressionAttributeNames)).toContain('jwt');
    expect(Object.values(update.ExpressionAttributeValues)).toContain(1_000_000);
  });
});
