import { describe, expect, it } from 'vitest';
import type { GateItem } from '../../../src/core/gate/layout.ts';
import { createTenant } from '../../../src/core/tenants/mutations.ts';
import type { Gauge } from '../../../src/core/usage/gauge.ts';
import { metricsOf } from '../../../src/core/usage/metrics.ts';
import { usageView } from '../../../src/core/usage/usage.ts';
import { free, NOON, tenantOn } from '../../fixtures/tenants.ts';

const tenant = tenantOn(free);
const fresh = (() => {
  const [edit] = createTenant(null, 'acme', {}, { plan: free, ifNotExists: false, now: NOON }).gate;
  if (edit?.edit !== 'create') throw new Error('a new tenant has a new gate');
  return edit.gate;
})();
const gate = (more: Partial<GateItem>): GateItem => ({ ...fresh, ...more });

describe('a month of usage', () => {
  it('adds the days folded away to those still on the gate, and leaves other months out', () => {
    const folded = [
      { day: '2026-03-01', metric: 'api_calls', amount: 100 },
      { day: '2026-03-02', metric: 'api_calls', amount: 50 },
      { day: '2026-03-01', metric: 'compute_seconds', amount: 7000 },
    ];
    const view = usageView(
      tenant,
      '2026-03',
      folded,
      gate({
        u: { '2026-02-28': 9, '2026-03-02': 5, '2026-03-03': 45, '2026-03-03.c': 250 },
        m: { '2026-03': 200 },
      }),
    );
    expect(view.metrics).toEqual({
      api_calls: { used: 200, limit: 1000, remaining: 800, percent: 20, overage: 0 },
      storage_bytes: { level: null, limit: 100_000_000, byteHours: null },
      users: { level: null, limit: 3 },
      compute_seconds: { used: 7.25 },
    });
    expect(view.days).toEqual([
      { day: '2026-03-01', metrics: { api_calls: 100, compute_seconds: 7 } },
      { day: '2026-03-02', metrics: { api_calls: 55 } },
      { day: '2026-03-03', metrics: { api_calls: 45, compute_seconds: 0.25 } },
    ]);
  });

  it('past the limit shows the overage and more than 100 %', () => {
    const { api_calls } = usageView(tenant, '2026-03', [], gate({ u: { '2026-03-01': 1500 } })).metrics;
    expect(api_calls).toEqual({ used: 1500, limit: 1000, remaining: 0, percent: 150, overage: 500 });
  });

  it('without a limit has nothing to be a percentage of', () => {
    const boundless = { ...tenant, limits: { ...tenant.limits, apiCallsPerMonth: null } };
    const { api_calls } = usageView(boundless, '2026-03', [], gate({ u: { '2026-03-01': 5 } })).metrics;
    expect(api_calls).toEqual({ used: 5, limit: null, remaining: null, percent: null, overage: 0 });
  });

  it('of a limit of zero is full once anything was used', () => {
    const none = { ...tenant, limits: { ...tenant.limits, apiCallsPerMonth: 0 } };
    expect(usageView(none, '2026-03', [], gate({})).metrics.api_calls.percent).toBe(0);
    expect(usageView(none, '2026-03', [], gate({ u: { '2026-03-01': 1 } })).metrics.api_calls.percent).toBe(
      100,
    );
  });

  it('has the levels of gauges, their hours, and the project’s own metrics in their units', () => {
    const metrics = metricsOf({
      tokens: { unit: 'thousands', kind: 'counter', scale: 3 },
      seats: { unit: 'seats', kind: 'gauge' },
    });
    const level = (metric: string, of: number): Gauge => ({
      metric,
      level: of,
      day: '2026-03-14',
      below: 0,
      previous: null,
      since: 0,
    });
    const folded = [
      { day: '2026-03-14', metric: 'storage_bytes', amount: 2400, max: 200 },
      { day: '2026-03-15', metric: 'storage_bytes', amount: 600, max: 50 },
      { day: '2026-03-15', metric: 'tokens', amount: 1250 },
    ];
    const gauges = [level('storage_bytes', 50), level('users', 2), level('seats', 9)];
    expect(usageView(tenant, '2026-03', folded, gate({}), gauges, metrics).metrics).toMatchObject({
      storage_bytes: { level: 50, limit: 100_000_000, byteHours: 3000 },
      users: { level: 2, limit: 3 },
      tokens: { used: 1.25 },
      seats: { level: 9, limit: null, hours: null },
    });
  });
});
