import { describe, expect, it } from 'vitest';
import { metered } from '../../../src/commands/cost/drivers.ts';
import type { Census, ListedTenant, MeterCache, MeteredMonth } from '../../../src/core/cost/types.ts';
import type { UsageItem } from '../../../src/core/usage/usage.ts';

type Usage = Record<string, UsageItem[]>;
const item = (day: string, metric: string, amount: number): UsageItem => ({ day, metric, amount });
const NOW = Date.parse('2026-11-20T12:00:00Z');

const tenant = (id: string, more: Partial<ListedTenant> = {}): ListedTenant => ({
  id,
  name: id,
  plan: 'pro',
  isolation: 'pool',
  status: 'active',
  stripeCustomerId: null,
  lateAt: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  ...more,
});

/** A stack of so many tenants more than those with usage, a cache, and what was read in which order. */
function world({ folded = {}, gates = {}, others = 0 }: { folded?: Usage; gates?: Usage; others?: number }) {
  const reads: string[] = [];
  const kept = new Map<string, MeteredMonth>();
  const names = [...new Set([...Object.keys(folded), ...Object.keys(gates)])];
  const tenants = [...names, ...Array.from({ length: others }, (_, at) => `idle-${at}`)].map((id) =>
    tenant(id),
  );
  const onGates = { ...gates };
  const hooks = { whileFolded: () => {} };
  const census: Census = {
    tenants: async () => tenants,
    async folded(ids, first, last) {
      reads.push(`folded ${ids.length > 3 ? ids.length : ids.join()} ${first} ${last}`);
      const found = ids.map((id): [string, UsageItem[]] => [
        id,
        (folded[id] ?? []).filter(({ day }) => day >= first && day <= last),
      ]);
      hooks.whileFolded();
      return new Map(found);
    },
    async onGates(ids) {
      reads.push('gates');
      return new Map(ids.map((id) => [id, onGates[id] ?? []]));
    },
  };
  const cache: MeterCache = {
    read: async (month) => kept.get(month) ?? null,
    async write(month) {
      kept.set(month.month, month);
    },
    notes: () => [],
  };
  const ask = async (months: string[], more: { now?: number; fresh?: boolean } = {}) => {
    reads.length = 0;
    const { now = NOW, fresh = false } = more;
    const answer = await metered(census, cache, census.tenants(), { months, now, fresh });
    const [first] = answer.months;
    return { ...answer, reads: [...reads], first: Object.fromEntries(first?.amounts() ?? []) };
  };
  return { ask, folded, onGates, tenants, kept, hooks };
}

describe('what was metered', () => {
  it('is folded days and gate days by month; a call is a write, a gauge its hours, a metric its name', async () => {
    const { ask } = world({
      folded: {
        acme: [
          item('2026-09-30', 'api_calls', 5),
          item('2026-10-01', 'api_calls', 7),
          item('2026-10-02', 'storage_bytes', 2400),
          item('2026-10-02', 'tokens', 11),
        ],
      },
      gates: { acme: [item('2026-10-31', 'api_calls', 3), item('2026-10-31', 'compute_seconds', 1500)] },
    });
    const { months } = await ask(['2026-09', '2026-10']);
    const [september, october] = months;
    expect(september?.amounts().get('acme')).toEqual({ requests: 5n, write_units: 5n });
    expect(october?.amounts().get('acme')).toEqual({
      requests: 10n,
      write_units: 10n,
      byte_hours: 2400n,
      tokens: 11n,
      compute_seconds: 1500n,
    });
    expect([...(october?.calls ?? [])]).toEqual([
      ['2026-10-01', 7n],
      ['2026-10-31', 3n],
    ]);
  });

  it('a metric of the project’s own that is called like a driver is not added to it', async () => {
    const { ask } = world({
      folded: {
        acme: [
          item('2026-10-01', 'requests', 5000),
          item('2026-10-01', 'byte_hours', 5000),
          item('2026-10-01', 'write_units', 5000),
          item('2026-10-01', 'api_calls', 7),
        ],
      },
    });
    const { first, months } = await ask(['2026-10']);
    expect(first).toEqual({ acme: { requests: 7n, write_units: 7n } });
    expect([...(months[0]?.calls ?? [])]).toEqual([['2026-10-01', 7n]]);
  });

  it('a day that is folded while it is read is counted once', async () => {
    const { ask, folded, onGates, hooks } = world({
      folded: { acme: [] },
      gates: { acme: [item('2026-10-31', 'api_calls', 3)] },
    });
    hooks.whileFolded = () => {
      // The fold comes between the two reads: neither saw the day.
      folded['acme'] = [item('2026-10-31', 'api_calls', 3)];
      onGates['acme'] = [];
      hooks.whileFolded = () => {};
    };
    expect((await ask(['2026-10'])).first).toEqual({ acme: { requests: 3n, write_units: 3n } });
  });
});

describe('usage that is kept', () => {
  const july = () => ({ acme: [item('2026-07-03', 'api_calls', 5)] });
  const october = () => ({ acme: [item('2026-10-03', 'api_calls', 5)] });

  it('a month on whose days nothing can be recorded any more is read once', async () => {
    const { ask } = world({ folded: july() });
    expect((await ask(['2026-07'])).reads.length).toBeGreaterThan(0);
    const again = await ask(['2026-07'], { now: NOW + 400 * 86_400_000 });
    expect([again.reads, again.notes, again.first]).toEqual([
      [],
      [],
      { acme: { requests: 5n, write_units: 5n } },
    ]);
    expect((await ask(['2026-07'], { fresh: true })).reads.length).toBeGreaterThan(0);
  });

  it('what was read before a month was past changing is not taken for its end', async () => {
    const { ask, folded } = world({ folded: july() });
    await ask(['2026-07'], { now: Date.parse('2026-08-10T00:00:00Z') });
    folded['acme']?.push(item('2026-07-31', 'api_calls', 2));
    expect((await ask(['2026-07'])).first).toEqual({ acme: { requests: 7n, write_units: 7n } });
  });

  it('a small stack’s late month is read every time: the call just made is in it', async () => {
    const { ask, folded } = world({ folded: october() });
    await ask(['2026-10']);
    folded['acme']?.push(item('2026-10-31', 'api_calls', 2));
    expect((await ask(['2026-10'])).first).toEqual({ acme: { requests: 7n, write_units: 7n } });
  });

  it('a large stack’s holds for hours, says as of when, and asks again for who changed meanwhile', async () => {
    const { ask, folded, tenants } = world({ folded: october(), others: 600 });
    await ask(['2026-10']);
    folded['acme']?.push(item('2026-10-31', 'api_calls', 2));
    const soon = await ask(['2026-10'], { now: NOW + 3_600_000 });
    expect([soon.reads, soon.first]).toEqual([[], { acme: { requests: 5n, write_units: 5n } }]);
    expect(soon.notes.join()).toContain('usage of 2026-10 is as of 2026-11-20T12:00Z');

    const [acme] = tenants;
    if (acme === undefined) throw new Error('no tenant');
    tenants[0] = { ...acme, lateAt: new Date(NOW + 1_000).toISOString() };
    const marked = await ask(['2026-10'], { now: NOW + 3_600_000 });
    expect(marked.reads).toContain('folded acme 2026-10-01 2026-10-31');
    expect(marked.first).toEqual({ acme: { requests: 7n, write_units: 7n } });

    tenants[0] = acme;
    const later = await ask(['2026-10'], { now: NOW + 7 * 3_600_000 });
    expect(later.reads).toContain('folded 601 2026-10-01 2026-10-31');
    expect([later.notes, later.first]).toEqual([[], { acme: { requests: 7n, write_units: 7n } }]);
  });

  it('read by a clock that was ahead is read again when the clock is right', async () => {
    const { ask, folded } = world({ folded: october() });
    await ask(['2026-10'], { now: NOW + 60 * 86_400_000 });
    folded['acme']?.push(item('2026-10-31', 'api_calls', 2));
    expect((await ask(['2026-10'])).first).toEqual({ acme: { requests: 7n, write_units: 7n } });
  });

  it('of days before the tenant was made is kept as any other', async () => {
    const { ask, tenants } = world({ folded: july() });
    tenants[0] = tenant('acme', { createdAt: '2026-08-05T00:00:00.000Z' });
    await ask(['2026-07']);
    const again = await ask(['2026-07']);
    expect([again.reads, again.notes]).toEqual([[], []]);
  });

  it('of a store that lacks the tenant, or has made it since, is not this store’s', async () => {
    const { ask, tenants, folded } = world({ folded: july() });
    await ask(['2026-07']);
    tenants[0] = tenant('acme', { createdAt: new Date(NOW + 1_000).toISOString() });
    folded['acme'] = [];
    const reborn = await ask(['2026-07'], { now: NOW + 3_600_000 });
    expect([reborn.first, reborn.notes.join()]).toEqual([{}, expect.stringContaining('another store')]);
  });
});
