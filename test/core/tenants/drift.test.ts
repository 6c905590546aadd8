import { describe, expect, it } from 'vitest';
import type { GateItem } from '../../../src/core/gate/layout.ts';
import { gateDrift } from '../../../src/core/tenants/drift.ts';
import { createTenant } from '../../../src/core/tenants/mutations.ts';
import { free, NOON } from '../../fixtures/tenants.ts';

const created = createTenant(null, 'acme', {}, { plan: free, ifNotExists: false, now: NOON });
const [edit] = created.gate;
const fresh = (edit as { gate: GateItem }).gate;

describe('drift between profile and gate', () => {
  it('is none on a fresh tenant, and named field by field', () => {
    expect(gateDrift(created.after, fresh)).toEqual([]);
    expect(gateDrift(created.after, { ...fresh, calls: 5 })).toEqual([
      'calls: the gate has 5, the profile 1000',
    ]);
  });
});
