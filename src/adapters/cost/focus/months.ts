import { isMoney } from '../../../core/cost/money.ts';
import { monthRange } from '../../../core/cost/present.ts';
import {
  type Bill,
  type BillQuery,
  type CostLine,
  RECORD_TYPES,
  type RecordType,
} from '../../../core/cost/types.ts';
import { addDecimals, type Decimal, parseDecimal, ZERO } from '../../../core/decimal.ts';
import type { Columns } from './columns.ts';
import type { RowTags } from './tags.ts';

/** What is wrong with a row; the reader adds where it stands. */
export class BadRow extends Error {}

interface Sum {
  line: Omit<CostLine, 'amount' | 'quantity'>;
  amount: Decimal;
  quantity: Decimal | null;
}

interface Month {
  sums: Map<string, Sum>;
  total: Decimal;
  currencies: Map<string, Decimal>;
  accounts: Set<string>;
  providers: Map<string, Decimal>;
  until: string;
  /** A charge has no invoice yet. */
  open: boolean;
}

/**
 * Adds up rows as they come: memory grows with what the report can tell apart, not with the files. The usage type
 * of a tagged row is not kept, since nothing is split by it.
 */
export function openMonths(wanted: BillQuery['months'], tagsOf: (text: string) => RowTags | undefined) {
  const months = new Map(wanted.map((month) => [month, emptyMonth()]));
  const others = new Set<string>();

  function add(row: readonly string[], columns: Columns): void {
    const name = monthOf(cell(row, columns.period));
    const month = months.get(name);
    if (month === undefined) {
      others.add(name);
      return;
    }
    const cost = cell(row, columns.cost);
    const amount = decimalOf(cost, 'BilledCost');
    const currency = cell(row, columns.currency).toUpperCase();
    if (!isMoney(amount, currency))
      throw new BadRow(`BilledCost is ${JSON.stringify(cost.slice(0, 60))}, more than any bill has`);
    const tags = tagsOf(cell(row, columns.tags));
    if (tags === undefined) throw new BadRow('Tags is not a JSON object');
    const service = cell(row, columns.service) || null;
    const recordType = recordTypeOf(cell(row, columns.category), service);
    const usageType = tags.tenant === null ? cell(row, columns.usageType) || null : null;
    const key = `${recordType}\0${service}\0${usageType}\0${tags.tenant ?? '\0'}\0${tags.feature ?? '\0'}`;
    let sum = month.sums.get(key);
    if (sum === undefined) {
      const line = { service, usageType, recordType, tenantTag: tags.tenant, feature: tags.feature };
      sum = { line, amount: ZERO, quantity: null };
      month.sums.set(key, sum);
    }
    sum.amount = addDecimals(sum.amount, amount);
    const quantity = usageType === null ? '' : cell(row, columns.quantity);
    if (quantity !== '') {
      sum.quantity = addDecimals(sum.quantity ?? ZERO, decimalOf(quantity, 'ConsumedQuantity'));
    }
    month.total = addDecimals(month.total, amount);
    addTo(month.currencies, currency, amount);
    addTo(month.providers, cell(row, columns.provider) || 'AWS', amount);
    const account = cell(row, columns.account);
    if (account !== '') month.accounts.add(account);
    if (recordType === 'usage') {
      const until = cell(row, columns.until);
      if (until > month.until) month.until = until;
    }
    if (columns.invoice >= 0 && amount.units !== 0n && cell(row, columns.invoice) === '') month.open = true;
  }

  return { add, months, others };
}
export type Months = ReturnType<typeof openMonths>;

const emptyMonth = (): Month => ({
  sums: new Map(),
  total: ZERO,
  currencies: new Map(),
  accounts: new Set(),
  providers: new Map(),
  until: '',
  open: false,
});

/** A month of the files as a bill; its one currency has been checked. `now`: epoch ms. */
export function billOf(name: string, month: Month, now: number): Bill {
  const { to } = monthRange(name);
  const [currency = 'USD'] = month.currencies.keys();
  const until = Date.parse(isoOf(month.until));
  return {
    month: name,
    currency,
    lines: [...month.sums.values()].map(({ line, amount, quantity }) => ({ ...line, amount, quantity })),
    total: month.total,
    estimated: month.open || now < Date.parse(to),
    dataThrough: Number.isNaN(until) ? null : new Date(until).toISOString(),
    accounts: [...month.accounts].sort(),
  };
}

function addTo(sums: Map<string, Decimal>, key: string, amount: Decimal): void {
  sums.set(key, addDecimals(sums.get(key) ?? ZERO, amount));
}

/** Absent, empty and unquoted NULL are the same. */
function cell(row: readonly string[], at: number): string {
  const text = at < 0 ? '' : (row[at] ?? '');
  return text === 'NULL' || text === 'null' ? '' : text;
}

function decimalOf(text: string, column: string): Decimal {
  const value = parseDecimal(text);
  if (value === null) throw new BadRow(`${column} is ${JSON.stringify(text.slice(0, 60))}, not a number`);
  return value;
}

const SUPPORT = /\bsupport\b/i;

function recordTypeOf(category: string, service: string | null): RecordType {
  const lower = category.toLowerCase();
  const type = RECORD_TYPES.find((one) => one === lower);
  if (type === undefined) {
    throw new BadRow(`ChargeCategory is ${JSON.stringify(category.slice(0, 60))}, which FOCUS does not have`);
  }
  const charged = type === 'usage' || type === 'purchase';
  return charged && service !== null && SUPPORT.test(service) ? 'support' : type;
}

const TIME =
  /^(\d{4}-(?:0[1-9]|1[0-2]))-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|UTC| UTC|\+00:?00|[+-]\d\d:?\d\d)?$/;

/** The UTC month of a time as exports write them. */
function monthOf(text: string): string {
  const [, month, zone = 'Z'] = TIME.exec(text) ?? [];
  if (month === undefined) {
    throw new BadRow(`BillingPeriodStart is ${JSON.stringify(text.slice(0, 60))}, not a time`);
  }
  if (!/^[+-](?!00)/.test(zone)) return month;
  return new Date(isoOf(text)).toISOString().slice(0, 7);
}

/** `2024-10-01 00:00:00` is UTC too. */
function isoOf(text: string): string {
  const iso = text.replace(/ ?UTC$/, 'Z').replace(' ', 'T');
  return /(Z|[+-]\d\d:?\d\d)$/.test(iso) || !iso.includes('T') ? iso : `${iso}Z`;
}
