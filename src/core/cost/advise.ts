import {
  addDecimals,
  type Decimal,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  ZERO,
} from '../decimal.ts';
import { type Money, minorDigits, moneyOf } from './money.ts';
import { monthRange } from './present.ts';
import type { CostReport } from './report.ts';
import { roundedTo } from './split.ts';
import type { Bill, CostLine, CostTenant, DriverAmounts } from './types.ts';

/** How sure a saving is: arithmetic on the bill; an assumption that is said; a hint to look closer. */
export type Certainty = 'high' | 'medium' | 'low';

export interface Advice {
  kind: 'capacity' | 'arm64' | 'log_retention' | 'table_class' | 'storage_class' | 'idle_silo' | 'loss';
  /** A tenant's id or a service. */
  subject: string;
  /** A year, if every month is like this one. */
  saving: Money;
  certainty: Certainty;
  why: string;
  how: string;
}

export interface AdviseInput {
  bill: Bill;
  /** Of the same month, by tenant, all tenants. */
  report: CostReport;
  tenants: readonly CostTenant[];
  usage: ReadonlyMap<string, DriverAmounts>;
  /** Calls of all tenants by UTC day of the month; `null`: not known. */
  callsByDay: readonly bigint[] | null;
}

const dec = (text: string): Decimal => parseDecimal(text) ?? ZERO;
/** arm64 costs this part less than x86: 1 − 0.0000133334 / 0.0000166667. */
const ARM_SAVES = dec('0.2');
/** Standard-IA: 60 % less for storage, 25 % more for reads and writes. */
const IA_SAVES = dec('0.6');
const IA_COSTS = dec('0.25');
/** S3 Intelligent-Tiering's infrequent tier: 40 % less for what nobody reads for 30 days. */
const TIERING_SAVES = dec('0.4');
/** From this sustained utilisation on, provisioned capacity is cheaper than on-demand. */
const BREAK_EVEN = 0.289;
const UNITS_AN_HOUR = 3600;

/** What to change, largest saving first: from one month's bill and what was metered. Nothing that saves nothing. */
export function advise(input: AdviseInput): Advice[] {
  const found = [
    ...losses(input),
    ...idleSilos(input),
    ...capacity(input),
    ...arm64(input),
    ...logRetention(input),
    ...tableClass(input),
    ...storageClass(input),
  ];
  return found
    .filter(({ saving }) => saving.minor > 0)
    .sort((a, b) => b.saving.minor - a.saving.minor || (a.subject < b.subject ? -1 : 1));
}

/** Lines of a service's usage by parts of the name and of the usage type. */
const lines = ({ lines: all }: Bill, service: RegExp, usageType: RegExp): CostLine[] =>
  all.filter(
    (line) =>
      line.recordType === 'usage' && service.test(line.service ?? '') && usageType.test(line.usageType ?? ''),
  );

const sum = (some: readonly CostLine[]): Decimal =>
  some.reduce<Decimal>((so_far, { amount }) => addDecimals(so_far, amount), ZERO);
const quantity = (some: readonly CostLine[]): number =>
  some.reduce((so_far, line) => so_far + Number(formatDecimal(line.quantity ?? ZERO)), 0);
const negative = ({ units, scale }: Decimal): Decimal => ({ units: -units, scale });

/** Of a month's amount. */
function yearly(amount: Decimal, currency: string): Money {
  const digits = minorDigits(currency);
  const year = multiplyDecimals(amount, dec('12'));
  const { units, scale } = year.scale < digits ? addDecimals(year, { units: 0n, scale: digits }) : year;
  return moneyOf(roundedTo(units, 10n ** BigInt(scale - digits)), units, scale, currency);
}

/** A part of an amount that is an estimate: to a ten-thousandth. */
const part = (amount: Decimal, fraction: number): Decimal =>
  multiplyDecimals(amount, { units: BigInt(Math.floor(fraction * 10_000)), scale: 4 });
const percent = (fraction: number): string => `${Math.round(fraction * 1000) / 10} %`;

function losses({ report, bill }: AdviseInput): Advice[] {
  return report.rows.flatMap(({ tenantId, plan, margin, revenue, fees, cost }) => {
    if (tenantId === null || margin === null || margin.minor >= 0 || revenue === null) return [];
    return [
      {
        kind: 'loss' as const,
        subject: tenantId,
        saving: yearly(negative(dec(margin.exact)), bill.currency),
        certainty: report.estimated ? ('medium' as const) : ('high' as const),
        why: `pays ${shown(revenue)}, keeps ${shown(fees)} in fees and costs ${shown(cost)} a month${plan === null ? '' : ` on plan ${plan}`}`,
        how: 'raise its price, move it to another plan, or lower its limits',
      },
    ];
  });
}

const shown = (money: Money | null): string =>
  money === null ? 'nothing' : `${money.exact} ${money.currency}`;

function idleSilos({ report, tenants, usage, bill }: AdviseInput): Advice[] {
  const silos = new Map(tenants.filter(({ isolation }) => isolation !== 'pool').map((one) => [one.id, one]));
  return report.rows.flatMap(({ tenantId, direct }) => {
    const silo = silos.get(tenantId ?? '');
    if (silo === undefined || direct.minor <= 0) return [];
    const idle = (usage.get(silo.id)?.['requests'] ?? 0n) === 0n;
    if (!idle) return [];
    return [
      {
        kind: 'idle_silo' as const,
        subject: silo.id,
        saving: yearly(dec(direct.exact), bill.currency),
        certainty: silo.status === 'active' ? ('medium' as const) : ('high' as const),
        why: `has resources of its own (${silo.isolation}, ${silo.status}) and made no call in ${bill.month}`,
        how: 'ask whether it is still wanted; then move it to the pool, or delete it',
      },
    ];
  });
}

/** Provisioned capacity that is hardly used, or on-demand capacity that is used evenly. */
function capacity({ bill, callsByDay }: AdviseInput): Advice[] {
  const provisioned = lines(bill, /DynamoDB/i, /(Read|Write)CapacityUnit/);
  const onDemand = lines(bill, /DynamoDB/i, /(Read|Write)RequestUnits/);
  const advice: Advice[] = [];
  // Of both kinds there are units in a mixed account: utilisation then says nothing.
  const sold = quantity(provisioned) * UNITS_AN_HOUR;
  const calls = callsByDay?.reduce((so_far, day) => so_far + day, 0n) ?? null;
  if (sold > 0 && calls !== null && onDemand.length === 0) {
    const used = Math.min(1, Number(calls) / sold);
    if (used < BREAK_EVEN) {
      advice.push({
        kind: 'capacity',
        subject: 'Amazon DynamoDB',
        saving: yearly(part(sum(provisioned), 1 - used / BREAK_EVEN), bill.currency),
        certainty: 'low',
        why: `about ${percent(used)} of the provisioned capacity is used, if a call takes one unit; it pays above 28.9 %`,
        how: 'compare ConsumedWriteCapacityUnits in CloudWatch, then switch to on-demand',
      });
    }
  }
  const even = callsByDay === null ? null : evenness(bill.month, callsByDay);
  if (onDemand.length > 0 && even !== null && even > BREAK_EVEN) {
    advice.push({
      kind: 'capacity',
      subject: 'Amazon DynamoDB',
      saving: yearly(part(sum(onDemand), 1 - BREAK_EVEN / even), bill.currency),
      certainty: 'low',
      why: `days are even (the mean is ${percent(even)} of the busiest one), and provisioned capacity pays above 28.9 % utilisation; hours and minutes may differ more`,
      how: 'look at the consumed units by minute in CloudWatch; where their mean stays above 28.9 % of the peak, provision with auto scaling',
    });
  }
  return advice;
}

/** Mean over peak of a month's days, of which those without a call may be left out; `null` without any call. */
function evenness(month: string, days: readonly bigint[]): number | null {
  const most = Math.max(0, ...days.map(Number));
  if (most === 0) return null;
  const { from, to } = monthRange(month);
  const count = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  return days.reduce((so_far, day) => so_far + Number(day), 0) / count / most;
}

function arm64({ bill }: AdviseInput): Advice[] {
  const x86 = lines(bill, /Lambda/i, /Lambda-GB-Second(?!.*ARM)/);
  return [
    {
      kind: 'arm64',
      subject: 'AWS Lambda',
      saving: yearly(multiplyDecimals(sum(x86), ARM_SAVES), bill.currency),
      certainty: 'high',
      why: 'compute on x86 costs a quarter more than on arm64 a GB-second',
      how: 'set Architectures: [arm64] in the template, where no dependency is built for x86 alone',
    },
  ];
}

/** What thirty days of the logs that are written now would take, against what is kept. */
function logRetention({ bill }: AdviseInput): Advice[] {
  const kept = lines(bill, /CloudWatch/i, /TimedStorage/);
  const written = quantity(lines(bill, /CloudWatch/i, /DataProcessing-Bytes/));
  const stored = quantity(kept);
  if (stored === 0 || written === 0 || stored <= written) return [];
  return [
    {
      kind: 'log_retention',
      subject: 'Amazon CloudWatch Logs',
      saving: yearly(part(sum(kept), 1 - written / stored), bill.currency),
      certainty: 'medium',
      why: `${Math.round((stored / written) * 10) / 10} months of logs are kept (stored data is compressed: it may be more)`,
      how: 'set RetentionInDays: 30 on the log groups; without it logs are kept for ever',
    },
  ];
}

function tableClass({ bill }: AdviseInput): Advice[] {
  const storage = lines(bill, /DynamoDB/i, /(?<!IA-)TimedStorage-ByteHrs/);
  const throughput = lines(bill, /DynamoDB/i, /(Read|Write)(RequestUnits|CapacityUnit)/);
  const saving = addDecimals(
    multiplyDecimals(sum(storage), IA_SAVES),
    negative(multiplyDecimals(sum(throughput), IA_COSTS)),
  );
  return [
    {
      kind: 'table_class',
      subject: 'Amazon DynamoDB',
      saving: yearly(saving, bill.currency),
      certainty: 'medium',
      why: 'storage costs more than reads and writes: Standard-IA is 60 % cheaper for it and 25 % dearer for them; taken over all tables together',
      how: 'set TableClass: STANDARD_INFREQUENT_ACCESS on the tables that hold most and are used least',
    },
  ];
}

function storageClass({ bill }: AdviseInput): Advice[] {
  const standard = lines(bill, /Simple Storage Service|\bS3\b/i, /^(\w+-)?TimedStorage-ByteHrs/);
  return [
    {
      kind: 'storage_class',
      subject: 'Amazon Simple Storage Service',
      saving: yearly(multiplyDecimals(sum(standard), TIERING_SAVES), bill.currency),
      certainty: 'low',
      why: 'everything is in the Standard class; what nobody reads for 30 days costs 40 % less in Intelligent-Tiering. This is the most that it can save',
      how: 'add a lifecycle rule to INTELLIGENT_TIERING for objects above 128 KB',
    },
  ];
}
