import { parseDecimal } from '../decimal.ts';
import { usageError } from '../errors.ts';

/** What `cost estimate` calculates with: a file to be edited. Decimals are strings. */
export interface CostModel {
  version: 1;
  workload: {
    tenants: number;
    callsPerTenantPerDay: string;
    /** Of the month. */
    days: number;
    storageGB: string;
  };
  perCall: {
    functionMB: number;
    functionMs: string;
    authorizerMB: number;
    authorizerMs: string;
    readUnits: string;
    writeUnits: string;
    /** 1000 bytes each. */
    logKB: string;
  };
  choices: {
    architecture: 'arm64' | 'x86';
    storage: 'dynamodb' | 's3';
    pitr: boolean;
    metricPerTenant: boolean;
  };
  /** The price list used unless another is named. */
  use: string;
  prices: Record<string, Prices>;
}

export interface Prices {
  currency: string;
  /** `yyyy-mm-dd`, and where they were read. */
  asOf: string;
  source: string;
  /** Prices that nobody compared with the source, and where they are from. */
  unchecked?: Partial<Record<(typeof UNITS)[number], string>>;
  units: Record<(typeof UNITS)[number], string>;
}

const UNITS = [
  'httpApiMillion',
  'lambdaMillion',
  'lambdaArmGBSecond',
  'lambdaX86GBSecond',
  'writeMillion',
  'readMillion',
  'tableGBMonth',
  'pitrGBMonth',
  'logsGB',
  'metricMonth',
  's3GBMonth',
] as const;

type Check = (value: unknown) => string | null;

const decimalText: Check = (value) =>
  typeof value === 'string' && /^\d{1,12}(\.\d{1,15})?$/.test(value) && parseDecimal(value) !== null
    ? null
    : 'a decimal number in quotes, such as "1.2"';
const count =
  (from: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) >= from && Number(value) <= 1e12
      ? null
      : `a whole number from ${from} to 1000000000000`;
const bool: Check = (value) => (typeof value === 'boolean' ? null : 'true or false');
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value as string) ? null : `one of ${values.join(', ')}`;
const pattern =
  (regex: RegExp, wanted: string): Check =>
  (value) =>
    typeof value === 'string' && regex.test(value) ? null : wanted;
const object =
  (shape: Record<string, Check>): Check =>
  (value) => {
    if (!isObject(value)) return 'an object';
    const extra = Object.keys(value).find((key) => !Object.hasOwn(shape, key));
    if (extra !== undefined) return `without ${JSON.stringify(extra)}, which is not a setting`;
    return firstProblem(Object.keys(shape), (key) => shape[key]?.(value[key]) ?? null);
  };

const units: Record<string, Check> = Object.fromEntries(UNITS.map((unit) => [unit, decimalText]));
const PRICES = object({
  currency: pattern(/^[A-Z]{3}$/, 'a currency such as "USD"'),
  asOf: pattern(/^\d{4}-\d\d-\d\d$/, 'the day they were read, yyyy-mm-dd'),
  source: pattern(/\S/, 'where they were read'),
  unchecked: (value) => {
    if (value === undefined) return null;
    const origin = pattern(/\S/, 'where the price is from');
    const known = isObject(value) ? Object.keys(value).filter((key) => key in units) : [];
    return object(Object.fromEntries(known.map((key) => [key, origin])))(value);
  },
  units: object(units),
});

const MODEL = object({
  version: (value) => (value === 1 ? null : '1'),
  workload: object({
    tenants: count(1),
    callsPerTenantPerDay: decimalText,
    days: count(1),
    storageGB: decimalText,
  }),
  perCall: object({
    functionMB: count(0),
    functionMs: decimalText,
    authorizerMB: count(0),
    authorizerMs: decimalText,
    readUnits: decimalText,
    writeUnits: decimalText,
    logKB: decimalText,
  }),
  choices: object({
    architecture: oneOf('arm64', 'x86'),
    storage: oneOf('dynamodb', 's3'),
    pitr: bool,
    metricPerTenant: bool,
  }),
  use: pattern(/\S/, 'the name of a price list'),
  prices: (value) =>
    isObject(value) ? firstProblem(Object.keys(value), (name) => PRICES(value[name])) : 'an object',
});

/** A cost model from JSON. `file` is named in errors. Throws usage error `bad_cost_model`. */
export function parseCostModel(text: string, file: string): CostModel {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(file, `it is not JSON: ${(error as Error).message}`);
  }
  const problem = MODEL(value);
  if (problem !== null) throw bad(file, problem.startsWith('.') ? problem.slice(1) : `it must be ${problem}`);
  const model = value as CostModel;
  if (!Object.hasOwn(model.prices, model.use)) throw bad(file, `use: there are no prices '${model.use}'`);
  return model;
}

const bad = (file: string, why: string) =>
  usageError('bad_cost_model', `${file}: ${why}`, { hint: 'nothing was calculated' });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `.workload.tenants must be …` of the first key with one. */
function firstProblem(keys: readonly string[], problemOf: (key: string) => string | null): string | null {
  for (const key of keys) {
    const problem = problemOf(key);
    if (problem !== null) return `.${key}${problem.startsWith('.') ? problem : ` must be ${problem}`}`;
  }
  return null;
}
