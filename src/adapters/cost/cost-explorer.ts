import type { Group, ResultByTime } from '@aws-sdk/client-cost-explorer';
import { isMoney } from '../../core/cost/money.ts';
import { monthRange } from '../../core/cost/present.ts';
import type { Bill, BillQuery, CostLine, CostSource, RecordType } from '../../core/cost/types.ts';
import { addDecimals, type Decimal, formatDecimal, parseDecimal, ZERO } from '../../core/decimal.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { BillCache, CacheKey } from './cache.ts';
import { type ExplorerSettings, explorerClient, notAnswered } from './explorer-client.ts';
import { APART, type Queries, type QuerySettings, queriesOf, runsOf } from './explorer-queries.ts';

export interface CostExplorerSettings extends ExplorerSettings, QuerySettings {
  /** 12 digits: whose bill it is. */
  account: string;
  cache: BillCache;
  /** Nothing that was kept is used; what is asked for is kept in its place. */
  fresh?: boolean;
  /** Epoch ms. */
  now: () => number;
}

const WITHOUT_USAGE_TYPES =
  'by feature Cost Explorer gives no usage type, and no service of what is one tenant’s own: of drivers by usage type only * applies, and credits do not reach tenants’ own resources; amounts differ from those by tenant and by service';
const CENT: Decimal = { units: 1n, scale: 2 };

/**
 * Bills from Cost Explorer: three queries, each page a request of a cent, for all months that the cache lacks and
 * that follow each other. What the queries say must agree, or nothing is kept; nor is a month without any charge,
 * since charges may come. Throws `no_bill` for one that the answer leaves out.
 */
export function openCostExplorer(settings: CostExplorerSettings): CostSource {
  const { cache, now, fresh = false } = settings;
  const client = explorerClient(settings);
  const said: string[] = [];

  async function fetchRun(run: readonly string[], detail: BillQuery['detail']): Promise<Bill[]> {
    const queries = queriesOf(run, detail, settings, now());
    const answers = {
      tagged: byMonth(await client.query(queries.tagged)),
      untagged: byMonth(await client.query(queries.untagged)),
      control: byMonth(await client.query(queries.control)),
    };
    const answered = run.filter((month) => answers.control.has(month));
    return answered.map((month) => billOf(month, detail, answers, settings));
  }

  return {
    name: 'ce',
    tenantKey: settings.tenantKey,
    async bills({ months, detail }) {
      if (detail === 'features') said.push(WITHOUT_USAGE_TYPES);
      const keyOf = (month: string): CacheKey => ({
        source: 'ce',
        account: settings.account,
        tenantKey: settings.tenantKey,
        featureKey: settings.featureKey,
        metric: settings.metric,
        detail,
        month,
      });
      const bills = new Map<string, Bill>();
      for (const month of fresh ? [] : months) {
        const kept = await cache.read(keyOf(month));
        if (kept !== null) bills.set(month, kept);
      }
      for (const run of runsOf(months.filter((month) => !bills.has(month)))) {
        for (const bill of await fetchRun(run, detail)) {
          bills.set(bill.month, bill);
          if (bill.lines.length > 0) await cache.write(keyOf(bill.month), bill);
        }
      }
      const missing = months.filter((month) => !bills.has(month));
      if (missing.length > 0) throw notAnswered(missing);
      return months.flatMap((month) => bills.get(month) ?? []);
    },
    queryCost: () => ({
      requests: client.sent(),
      amount: { units: CENT.units * BigInt(client.sent()), scale: 2 },
    }),
    notes: () => [...said, ...cache.notes()],
    close: async () => client.close(),
  };
}

const BLANK: Omit<CostLine, 'amount'> = {
  service: null,
  usageType: null,
  feature: null,
  tenantTag: null,
  recordType: 'usage',
  quantity: null,
};

interface MonthResult {
  estimated: boolean;
  groups: Group[];
}
type Answers = Record<keyof Queries, Map<string, MonthResult>>;

/** Pages may cut a month in two. */
function byMonth(results: readonly ResultByTime[]): Map<string, MonthResult> {
  const months = new Map<string, MonthResult>();
  for (const { TimePeriod, Groups = [], Estimated = false } of results) {
    const month = TimePeriod?.Start?.slice(0, 7) ?? '';
    const had = months.get(month);
    months.set(month, {
      estimated: Estimated || (had?.estimated ?? false),
      groups: [...(had?.groups ?? []), ...Groups],
    });
  }
  return months;
}

function billOf(
  month: string,
  detail: BillQuery['detail'],
  answers: Answers,
  { tenantKey, featureKey, metric, account, now }: CostExplorerSettings,
): Bill {
  const groupsOf = (query: keyof Answers): Group[] => answers[query].get(month)?.groups ?? [];
  const currencies = new Set<string>();
  const lineOf = (group: Group, more: Partial<CostLine>): CostLine => {
    const { Amount = '', Unit = '' } = group.Metrics?.[metric] ?? {};
    const amount = amountOf(Amount);
    if (Unit !== '' && Unit !== 'N/A') currencies.add(Unit);
    checkMoney(amount, Unit, Amount);
    const quantity = group.Metrics?.['UsageQuantity']?.Amount;
    return { ...BLANK, amount, quantity: quantity === undefined ? null : amountOf(quantity), ...more };
  };

  const tenants = groupsOf('tagged').map((group) => {
    const [tenant = '', second = ''] = group.Keys ?? [];
    const tenantTag = tagValue(tenant, tenantKey);
    return detail === 'features'
      ? lineOf(group, { tenantTag, feature: tagValue(second, featureKey) })
      : lineOf(group, { tenantTag, ...serviceOf(second) });
  });
  const shared = groupsOf('untagged').map((group) => {
    const [first = '', second = ''] = group.Keys ?? [];
    return detail === 'features'
      ? lineOf(group, { feature: tagValue(first, featureKey), ...serviceOf(second) })
      : lineOf(group, { ...serviceOf(first), usageType: second });
  });
  const control = groupsOf('control').map((group) => {
    const [type = '', service = ''] = group.Keys ?? [];
    return { type, line: lineOf(group, { service, recordType: apartType(type) ?? 'usage' }) };
  });

  const apart = control.filter(({ type }) => apartType(type) !== null).map(({ line }) => line);
  const usage = control.filter(({ type }) => apartType(type) === null).map(({ line }) => line);
  const tagged = tenants.filter(({ tenantTag }) => tenantTag !== null);
  const untagged = tenants.filter(({ tenantTag }) => tenantTag === null);
  const groups = tenants.length + shared.length + control.length;
  difference(month, 'what has no tenant tag', sumOf(untagged), sumOf(shared), groups);
  const split = [...tagged, ...shared];
  const rest = difference(month, 'the control total and what is split', sumOf(usage), sumOf(split), groups);
  if (rest.units !== 0n) split.push({ ...BLANK, amount: rest });
  const currency = oneCurrency(month, currencies);
  const lines = [...split, ...apart];
  const size = sumOf(lines.map(({ amount }) => ({ amount: sizeOf(amount) })));
  checkMoney(size, currency, `${formatDecimal(size)} in ${month}`);
  const estimated = Object.values(answers).some((months) => months.get(month)?.estimated ?? false);
  return {
    month,
    currency,
    lines,
    total: sumOf(control.map(({ line }) => line)),
    estimated,
    // It does not say when its data ends: at the latest when it was asked.
    dataThrough: estimated ? new Date(now()).toISOString() : monthRange(month).to,
    accounts: [account],
  };
}

/** `key$value`, and both may hold more of `$`; an empty value is no tag. */
function tagValue(group: string, key: string): string | null {
  const prefix = `${key}$`;
  if (!group.startsWith(prefix)) {
    throw unexpected(`a group of the tag ${key} is ${JSON.stringify(group.slice(0, 80))}`);
  }
  return group.slice(prefix.length) || null;
}

const serviceOf = (service: string): { service: string; recordType: RecordType } => ({
  service,
  recordType: /\bsupport\b/i.test(service) ? 'support' : 'usage',
});

const apartType = (type: string): RecordType | null =>
  (APART as readonly string[]).includes(type) ? (type.toLowerCase() as RecordType) : null;

function amountOf(text: string): Decimal {
  const amount = parseDecimal(text);
  if (amount === null) throw unexpected(`an amount is ${JSON.stringify(text.slice(0, 60))}`);
  return amount;
}

/** Refused before anything is kept or printed. `shown`: the amount as it came. */
function checkMoney(amount: Decimal, currency: string, shown: string): void {
  if (!isMoney(amount, currency)) throw unexpected(`no bill has an amount of ${shown.slice(0, 60)}`);
}

const sizeOf = ({ units, scale }: Decimal): Decimal => ({ units: units < 0n ? -units : units, scale });

const sumOf = (lines: readonly { amount: Decimal }[]): Decimal =>
  lines.reduce<Decimal>((sum, { amount }) => addDecimals(sum, amount), ZERO);

/** Cost Explorer rounds every group to ten places: by so much may sums over other groups differ. */
const ROUNDING: Decimal = { units: 1n, scale: 10 };

/** What is between two queries of one moment: nothing but rounding, or the data changed between them. */
function difference(month: string, what: string, a: Decimal, b: Decimal, groups: number): Decimal {
  const apart = addDecimals(a, { units: -b.units, scale: b.scale });
  const most = { units: -ROUNDING.units * BigInt(groups), scale: ROUNDING.scale };
  if (addDecimals(sizeOf(apart), most).units <= 0n) return apart;
  throw new SaasctlError({
    code: 'cost_does_not_add_up',
    category: 'remote',
    message: `${month}: Cost Explorer’s queries are ${formatDecimal(apart)} apart (${what}: ${formatDecimal(a)} and ${formatDecimal(b)})`,
    hint: 'its data changed between two requests; nothing was kept or allocated',
    next: `saasctl cost report --month ${month}`,
    retryable: true,
  });
}

function oneCurrency(month: string, currencies: ReadonlySet<string>): string {
  const [currency = 'USD', ...others] = currencies;
  if (others.length === 0) return currency;
  throw new SaasctlError({
    code: 'mixed_currencies',
    category: 'config',
    message: `${month} is billed in ${[...currencies].join(' and ')}`,
    hint: 'amounts of different currencies are never added',
    next: 'saasctl cost report --source focus:<path>',
  });
}

const unexpected = (what: string): SaasctlError =>
  new SaasctlError({
    code: 'not_aws',
    category: 'remote',
    message: `Cost Explorer’s answer is not understood: ${what}`,
    hint: 'something else may answer there: check AWS_ENDPOINT_URL_COST_EXPLORER and any proxy',
    next: 'saasctl doctor',
    retryable: true,
  });
