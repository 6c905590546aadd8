import {
  addDecimals,
  type Decimal,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  ZERO,
} from '../decimal.ts';
import { usageError } from '../errors.ts';
import type { CostModel, Prices } from './model.ts';
import { isMoney, type Money, minorDigits, moneyOf } from './money.ts';
import { largestRemainder, roundedTo } from './split.ts';

/** What a month is compared with: the same workload with one thing different. */
export const VARIANTS = ['arm64', 'x86', 'dynamodb', 's3', 'pitr', 'metrics'] as const;
export type Variant = (typeof VARIANTS)[number];

export interface EstimateLine {
  service: string;
  what: string;
  /** Decimal, in `unit`. */
  quantity: string;
  unit: string;
  /** Decimal, a unit. */
  price: string;
  cost: Money;
}

/** One month of the model's workload. The lines add up to the total, exactly and in `minor`. */
export interface Estimate {
  prices: string;
  asOf: string;
  source: string;
  /** Prices in it that nobody compared with the source, and where each is from. */
  unchecked: Readonly<Record<string, string>>;
  tenants: number;
  callsPerMonth: string;
  lines: EstimateLine[];
  total: Money;
  /** What one tenant costs on the average. */
  perTenant: Money;
}

export interface Comparison {
  variant: Variant;
  total: Money;
  /** More (or, negative, less) than the model as it is. */
  difference: Money;
}

interface Item {
  service: string;
  what: string;
  quantity: Decimal;
  unit: string;
  price: keyof Prices['units'];
}

const MILLION: Decimal = { units: 1n, scale: 6 };
const ONE: Decimal = { units: 1n, scale: 0 };

/**
 * What the workload costs at the named price list. Throws usage error `no_prices` for a list that is not there, and
 * `bad_workload` for more than any bill has.
 */
export function estimate(model: CostModel, prices: string, variants: readonly Variant[] = []): Estimate {
  const list = pricesOf(model, prices);
  const items = itemsOf(model, new Set(variants));
  const amounts = items.map(({ quantity, price }) => multiplyDecimals(quantity, priceOf(list, price)));
  const scale = amounts.reduce(
    (finest, amount) => Math.max(finest, amount.scale),
    minorDigits(list.currency),
  );
  const units = amounts.map((amount) => amount.units * 10n ** BigInt(scale - amount.scale));
  const sum = units.reduce((so_far, one) => so_far + one, 0n);
  if (!isMoney({ units: sum, scale }, list.currency)) {
    throw usageError('bad_workload', 'the workload costs more a month than any bill has', {
      hint: 'lower its tenants, calls or storage, or the prices',
      next: 'saasctl cost estimate --help',
    });
  }
  const step = 10n ** BigInt(scale - minorDigits(list.currency));
  const total = roundedTo(sum, step);
  const minors = largestRemainder(units, step, total);
  const { tenants } = model.workload;
  // Six places beyond: a tenant often costs less than a cent.
  const each = roundedTo(sum * 1_000_000n, BigInt(tenants));
  return {
    prices,
    asOf: list.asOf,
    source: list.source,
    unchecked: list.unchecked ?? {},
    tenants,
    callsPerMonth: formatDecimal(callsOf(model)),
    lines: items.map(({ service, what, quantity, unit, price }, at) => ({
      service,
      what,
      quantity: formatDecimal(quantity),
      unit,
      price: formatDecimal(priceOf(list, price)),
      cost: moneyOf(minors[at] ?? 0n, units[at] ?? 0n, scale, list.currency),
    })),
    total: moneyOf(total, sum, scale, list.currency),
    perTenant: moneyOf(roundedTo(each, step * 1_000_000n), each, scale + 6, list.currency),
  };
}

/** The model against itself with one thing different. */
export function compare(model: CostModel, prices: string, variant: Variant): Comparison {
  const [base, other] = [estimate(model, prices), estimate(model, prices, [variant])];
  const { currency } = base.total;
  const exact = addDecimals(
    decimal(other.total.exact),
    multiplyDecimals(decimal(base.total.exact), { units: -1n, scale: 0 }),
  );
  const minor = BigInt(other.total.minor - base.total.minor);
  return { variant, total: other.total, difference: moneyOf(minor, exact.units, exact.scale, currency) };
}

const decimal = (text: string): Decimal => parseDecimal(text) ?? ZERO;
const whole = (amount: number): Decimal => decimal(String(amount));
const product = (...factors: readonly Decimal[]): Decimal => factors.reduce(multiplyDecimals, ONE);

const callsOf = ({ workload }: CostModel): Decimal =>
  product(whole(workload.tenants), decimal(workload.callsPerTenantPerDay), whole(workload.days));

function itemsOf(model: CostModel, variants: ReadonlySet<Variant>): Item[] {
  const { workload, perCall, choices } = model;
  const calls = callsOf(model);
  const millions = product(calls, MILLION);
  const arm = variants.has('arm64') || (choices.architecture === 'arm64' && !variants.has('x86'));
  const inS3 = variants.has('s3') || (choices.storage === 's3' && !variants.has('dynamodb'));
  const gigabytes = decimal(workload.storageGB);
  const items: (Item | null)[] = [
    {
      service: 'API Gateway',
      what: 'HTTP API calls',
      quantity: millions,
      unit: 'million',
      price: 'httpApiMillion',
    },
    {
      service: 'Lambda',
      what: 'invocations: function and authorizer',
      quantity: product(millions, whole(2)),
      unit: 'million',
      price: 'lambdaMillion',
    },
    {
      service: 'Lambda',
      what: `compute, ${arm ? 'arm64' : 'x86'}`,
      quantity: product(calls, gigabyteSeconds(perCall)),
      unit: 'GB-second',
      price: arm ? 'lambdaArmGBSecond' : 'lambdaX86GBSecond',
    },
    {
      service: 'DynamoDB',
      what: 'writes',
      quantity: product(millions, decimal(perCall.writeUnits)),
      unit: 'million units',
      price: 'writeMillion',
    },
    {
      service: 'DynamoDB',
      what: 'reads',
      quantity: product(millions, decimal(perCall.readUnits)),
      unit: 'million units',
      price: 'readMillion',
    },
    {
      service: 'CloudWatch',
      what: 'logs',
      quantity: product(calls, decimal(perCall.logKB), MILLION),
      unit: 'GB',
      price: 'logsGB',
    },
    inS3
      ? { service: 'S3', what: 'storage', quantity: gigabytes, unit: 'GB-month', price: 's3GBMonth' }
      : {
          service: 'DynamoDB',
          what: 'storage',
          quantity: gigabytes,
          unit: 'GB-month',
          price: 'tableGBMonth',
        },
    (choices.pitr || variants.has('pitr')) && !inS3
      ? {
          service: 'DynamoDB',
          what: 'point-in-time recovery',
          quantity: gigabytes,
          unit: 'GB-month',
          price: 'pitrGBMonth',
        }
      : null,
    choices.metricPerTenant || variants.has('metrics')
      ? {
          service: 'CloudWatch',
          what: 'one metric a tenant',
          quantity: whole(workload.tenants),
          unit: 'metric',
          price: 'metricMonth',
        }
      : null,
  ];
  return items.filter((item) => item !== null);
}

/** Of one call: the function's and the authorizer's memory × time. */
function gigabyteSeconds({
  functionMB,
  functionMs,
  authorizerMB,
  authorizerMs,
}: CostModel['perCall']): Decimal {
  const megabyteMs = addDecimals(
    product(whole(functionMB), decimal(functionMs)),
    product(whole(authorizerMB), decimal(authorizerMs)),
  );
  // 1/1024 is a finite decimal: 0.0009765625.
  return product(megabyteMs, { units: 9_765_625n, scale: 10 }, { units: 1n, scale: 3 });
}

const priceOf = ({ units }: Prices, price: keyof Prices['units']): Decimal => decimal(units[price]);

function pricesOf(model: CostModel, name: string): Prices {
  const found = Object.hasOwn(model.prices, name) ? model.prices[name] : undefined;
  if (found !== undefined) return found;
  throw usageError('no_prices', `the cost model has no prices '${name}'`, {
    hint: `it has ${Object.keys(model.prices).join(', ')}; add a list of your region's under "prices", with its date and source`,
    next: `saasctl cost estimate --prices '${Object.keys(model.prices)[0] ?? ''}'`,
  });
}
