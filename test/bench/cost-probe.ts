// Run by cost.ts as a process of its own: does one piece of work, says how long it took and the most memory it held.
import { readFileSync } from 'node:fs';
import { billCache } from '../../src/adapters/cost/cache.ts';
import { openFocus } from '../../src/adapters/cost/focus/source.ts';
import { allocate } from '../../src/core/cost/allocate.ts';
import { DEFAULT_POLICY } from '../../src/core/cost/drivers.ts';
import { costReport } from '../../src/core/cost/report.ts';
import type { CostTenant, DriverAmounts } from '../../src/core/cost/types.ts';
import { addDecimals, type Decimal, ZERO } from '../../src/core/decimal.ts';

const KEYS = { tenantKey: 'saasctl-tenant', featureKey: 'saasctl-feature' };
const now = () => Date.parse('2027-02-01');

const spent = (since: number): number => (performance.now() - since) / 1000;

/** From kept months to the rows of every tenant; no request is made. */
async function warm(folder: string, count: number, months: number) {
  const tenants = Array.from({ length: count }, (_, at): CostTenant => {
    const id = `tenant-${String(at).padStart(5, '0')}`;
    const createdAt = '2025-01-01T00:00:00.000Z';
    return { id, name: id, plan: 'pro', isolation: 'pool', status: 'active', createdAt, deletedAt: null };
  });
  const usage = new Map(
    tenants.map(({ id }, at): [string, DriverAmounts] => {
      const n = BigInt(at + 1);
      return [
        id,
        { requests: n * 37n, compute_seconds: n * 1009n, byte_hours: n * 1_000_003n, write_units: n * 41n },
      ];
    }),
  );
  const { openCostExplorer } = await import('../../src/adapters/cost/cost-explorer.ts');
  const started = performance.now();
  const source = openCostExplorer({
    ...KEYS,
    account: '111122223333',
    metric: 'UnblendedCost',
    awsProfile: null,
    credentials: null,
    endpoint: null,
    trace: null,
    maxRequests: 0,
    pause: async () => {},
    say: () => {},
    cache: billCache(folder, now),
    now,
  });
  const names = Array.from({ length: months }, (_, at) => `2026-${String(at + 1).padStart(2, '0')}`);
  let rows = 0;
  let apart = 0;
  for (const bill of await source.bills({ months: names, detail: 'services' })) {
    const allocation = allocate({ bill, tenants, usage, policy: DEFAULT_POLICY });
    const report = costReport({
      allocation,
      bill,
      source: 'ce',
      by: 'tenant',
      tenant: null,
      tenants,
      revenue: null,
      queryCost: source.queryCost(),
      notes: [],
    });
    rows += report.rows.length;
    apart += report.totals.bill.minor - report.rows.reduce((sum, { cost }) => sum + cost.minor, 0);
  }
  return { seconds: spent(started), rows, apart };
}

async function focus(path: string) {
  const started = performance.now();
  const source = openFocus({ ...KEYS, path, now });
  const [bill] = await source.bills({ months: ['2026-01'], detail: 'services' });
  const lines = bill?.lines ?? [];
  const sum = lines.reduce<Decimal>((so_far, { amount }) => addDecimals(so_far, amount), ZERO);
  const total = bill?.total ?? ZERO;
  const { units } = addDecimals(total, { units: -sum.units, scale: sum.scale });
  return { seconds: spent(started), rows: lines.length, apart: Number(units) };
}

const [, , what, path = '', count, months] = process.argv;
const result = what === 'warm' ? await warm(path, Number(count), Number(months)) : await focus(path);
const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(JSON.stringify({ ...result, megabytes: Number(kilobytes) / 1024 }));
