import type { AllocationInput } from '../../../src/core/cost/allocate.ts';
import { DEFAULT_DRIVERS } from '../../../src/core/cost/drivers.ts';
import type {
  CostLine,
  CostTenant,
  DriverAmounts,
  Overhead,
  Policy,
  Treatment,
} from '../../../src/core/cost/types.ts';
import { OVERHEADS, RECORD_TYPES, TREATMENTS } from '../../../src/core/cost/types.ts';
import { addDecimals, type Decimal, parseDecimal, ZERO } from '../../../src/core/decimal.ts';

/** A decimal as the tests write it. */
export function dec(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === null) throw new Error(`${text} is not a decimal`);
  return value;
}

export function line(amount: string, more: Partial<CostLine> = {}): CostLine {
  return {
    amount: dec(amount),
    service: 'AWS Lambda',
    usageType: null,
    feature: null,
    tenantTag: null,
    recordType: 'usage',
    quantity: null,
    ...more,
  };
}

export function tenant(id: string, more: Partial<CostTenant> = {}): CostTenant {
  return {
    id,
    name: id,
    plan: 'pro',
    isolation: 'pool',
    status: 'active',
    createdAt: '2026-01-01T00:00:00.000Z',
    deletedAt: null,
    ...more,
  };
}

export function bill(lines: readonly CostLine[], more: Partial<AllocationInput['bill']> = {}) {
  return {
    month: '2026-10',
    currency: 'USD',
    lines,
    total: lines.reduce<Decimal>((sum, { amount }) => addDecimals(sum, amount), ZERO),
    estimated: false,
    dataThrough: null,
    accounts: ['111122223333'],
    ...more,
  };
}

/** A generator of its own, so that a failing bill can be made again from its seed (mulberry32). */
export function randomOf(seed: number) {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { next, below, one: <T>(values: readonly T[]): T => values[below(values.length)] as T };
}
type Random = ReturnType<typeof randomOf>;

const SERVICES = [
  ['Amazon DynamoDB', 'USE1-WriteRequestUnits'],
  ['Amazon DynamoDB', 'TimedStorage-ByteHrs'],
  ['Amazon DynamoDB', 'ReadRequestUnits'],
  ['AWS Lambda', 'USE1-Lambda-GB-Second-ARM'],
  ['AWS Lambda', 'USE1-Request-ARM'],
  ['Amazon API Gateway', 'ApiGatewayHttpRequest'],
  ['AmazonCloudWatch', 'DataProcessing-Bytes'],
  ['AWS Key Management Service', 'KMS-Requests'],
  ['Some New Service', null],
  [null, null],
] as const;
const CURRENCIES = ['USD', 'EUR', 'JPY', 'KWD'] as const;

/** One random month: tenants that come and go, usage that is missing, tags of nobody, credits, any policy. */
export function randomMonth(seed: number): AllocationInput {
  const random = randomOf(seed);
  const tenants = Array.from({ length: random.below(14) }, (_, at) => randomTenant(random, at));
  const lines = Array.from({ length: random.below(40) }, () => randomLine(random, tenants));
  return {
    bill: bill(lines, { currency: random.one(CURRENCIES) }),
    tenants,
    usage: randomUsage(random, tenants),
    policy: randomPolicy(random),
  };
}

/** The same with amounts so small that plain numbers hold them exactly, as those of most real bills. */
export function smallMonth(seed: number): AllocationInput {
  const month = randomMonth(seed);
  const lines = month.bill.lines.map((one) => {
    const { units, scale } = one.amount;
    return { ...one, amount: { units: units % 9_973n, scale: 2 + (scale % 9) } };
  });
  return { ...month, bill: bill(lines, { currency: month.bill.currency }) };
}

function randomTenant(random: Random, at: number): CostTenant {
  const deleted = random.below(8) === 0;
  return tenant(`t-${at}`, {
    status: deleted ? 'deleted' : 'active',
    createdAt: random.one([
      '2026-01-01T00:00:00.000Z',
      '2026-10-15T00:00:00.000Z',
      '2026-11-02T00:00:00.000Z',
    ]),
    deletedAt: deleted ? random.one(['2026-09-30T23:59:59.999Z', '2026-10-20T00:00:00.000Z']) : null,
  });
}

function randomLine(random: Random, tenants: readonly CostTenant[]): CostLine {
  const [service, usageType] = random.one(SERVICES);
  const scale = random.below(15);
  const magnitude = 10 ** (1 + random.below(9));
  const units = BigInt(random.below(magnitude)) * (random.below(6) === 0 ? -1n : 1n);
  const tagged = random.below(3) === 0;
  return {
    amount: { units, scale },
    service,
    usageType,
    feature: random.one([null, 'search', 'export']),
    tenantTag: tagged ? random.one(['stranger', ...tenants.map(({ id }) => id)]) : null,
    recordType: random.below(4) === 0 ? random.one(RECORD_TYPES) : 'usage',
    quantity: random.below(2) === 0 ? null : { units: BigInt(random.below(1e6)), scale: 0 },
  };
}

function randomUsage(random: Random, tenants: readonly CostTenant[]): Map<string, DriverAmounts> {
  const usage = new Map<string, DriverAmounts>();
  if (random.below(10) === 0) return usage;
  const ids = [...tenants.map(({ id }) => id), ...(random.below(10) === 0 ? ['gone'] : [])];
  for (const id of ids) {
    if (random.below(4) === 0) continue;
    usage.set(id, {
      requests: BigInt(random.below(1e6)),
      compute_seconds: BigInt(random.below(1e9)),
      write_units: BigInt(random.below(3)),
      ...(random.below(2) === 0 ? {} : { byte_hours: BigInt(random.below(1e9)) * 1_000_003n }),
    });
  }
  return usage;
}

function randomPolicy(random: Random): Policy {
  return {
    drivers: random.one([
      {},
      DEFAULT_DRIVERS,
      { DynamoDB: ['byte_hours', 'requests'], 'AWS Lambda': 'even', 'Some New Service': 'unallocated' },
    ]),
    overhead: random.one<Overhead>(OVERHEADS),
    credits: random.one<Treatment>(TREATMENTS),
    refunds: random.one<Treatment>(TREATMENTS),
    tax: random.one<Treatment>(TREATMENTS),
    support: random.one<Treatment>(TREATMENTS),
  };
}
