import { type Cents, minorDigits } from '../../core/cost/money.ts';
import {
  type By,
  type CostReport,
  type CostRow,
  type StreamedReport,
  UNALLOCATED,
  wholeReport,
} from '../../core/cost/report.ts';
import { amountText, moneyText, plainAmount } from '../../ui/amount.ts';
import { drawsUnicode, quotaBar } from '../../ui/bar.ts';
import type { Cell, Column } from '../../ui/result.ts';
import { visible } from '../../ui/visible.ts';
import type { Context } from '../context.ts';

interface Line {
  month: string;
  currency: string;
  row: CostRow<Cents>;
}

export interface View {
  tenant: string | null;
  by: By;
  /** `--months` was given: a list, be it of one month. */
  several: boolean;
}

/**
 * JSON and YAML have the report whole, several months as a list. Tables and CSV have a line a row, with its month
 * before it where there are several; what holds for the whole report is said on stderr.
 */
export async function printReport(cx: Context, reports: Iterable<StreamedReport>, view: View): Promise<void> {
  const { format, query } = cx.globals;
  if (format === 'json' || format === 'yaml' || query !== undefined) {
    const [first] = view.several ? [] : whole(reports);
    await (first === undefined
      ? cx.print({ kind: 'list', items: whole(reports), id: ({ month }) => month, columns: [] })
      : cx.print({ kind: 'one', item: first, id: first.month, fields: [] }));
    return;
  }
  const forEyes = cx.io.stdoutIsTTY && format === 'table';
  const said: string[] = [];
  let notes: readonly string[] = [];
  let facts: string | null = null;
  // A screen's columns depend on what is in them; otherwise a month is held no longer than it is written.
  const shown = forEyes ? Array.from(reports, held) : reports;
  function* lines(): Generator<Line> {
    for (const report of shown) {
      const { month, currency, rowsInCents: rows } = report;
      said.push(...sumOf(report));
      facts = factsOf(report);
      notes = report.notes;
      for (const row of rows) yield { month, currency, row };
    }
  }
  await cx.print<Line>({
    kind: 'list',
    items: lines(),
    id: ({ row }) => nameOf(row, view.by),
    columns: forEyes && Array.isArray(shown) ? screenColumns(cx, shown, view) : pipeColumns(cx, view),
    empty: 'the bill of the month is empty',
  });
  for (const text of said) cx.note(text);
  if (facts !== null) cx.note(cx.paint.dim(facts));
  for (const note of notes) cx.note(note);
}

/** With rows that can be read more than once. */
const held = (report: StreamedReport): StreamedReport => ({
  ...report,
  rowsInCents: [...report.rowsInCents],
});

function* whole(reports: Iterable<StreamedReport>): Generator<CostReport> {
  for (const report of reports) yield wholeReport(report);
}

const nameOf = (row: CostRow<Cents>, by: By): string =>
  (by === 'tenant' ? row.tenantId : by === 'service' ? row.service : row.feature) ?? '';

type Amounts = Pick<
  CostRow,
  'direct' | 'allocated' | 'overhead' | 'unallocated' | 'cost' | 'revenue' | 'fees' | 'margin'
>;

const moneyColumn = (
  header: keyof Amounts,
  amount: (money: Cents, currency: string) => Cell,
): Column<Line> => ({
  header,
  value: ({ row, currency }) => {
    const money = row[header];
    return money === null ? null : amount(money, currency);
  },
  paint: (text, { row }, paint) => {
    const money = row[header];
    if (money === null || money.minor === 0) return paint.dim(text);
    return header === 'margin' && money.minor < 0 ? paint.red(text) : text;
  },
  align: 'right',
});

const PARTS = ['direct', 'allocated', 'overhead'] as const;
const EARNED = ['revenue', 'fees', 'margin'] as const;

const MONTH: Column<Line> = { header: 'month', value: ({ month }) => month };
const CURRENCY: Column<Line> = { header: 'currency', value: ({ currency }) => currency };
const nameColumn = (by: By): Column<Line> => ({
  header: by,
  value: ({ row }) => nameOf(row, by),
  paint: (text, { row }, paint) => (row.tenantId === UNALLOCATED ? paint.yellow(text) : text),
});

/** Every column, whatever is in it. */
function pipeColumns(cx: Context, { by, several }: View): Column<Line>[] {
  // A text that begins with a minus would be a formula to a spreadsheet, and come with an apostrophe.
  const asNumber = cx.globals.format === 'csv';
  const amount = (money: Cents): Cell =>
    asNumber ? money.minor / 10 ** minorDigits(money.currency) : plainAmount(money);
  return [
    ...(several ? [MONTH] : []),
    nameColumn(by),
    ...[...PARTS, 'unallocated' as const, 'cost' as const, ...EARNED].map((header) =>
      moneyColumn(header, amount),
    ),
    CURRENCY,
  ];
}

/** What has something to say, with a drawing. */
function screenColumns(cx: Context, reports: readonly StreamedReport[], view: View): Column<Line>[] {
  const { by, several, tenant } = view;
  const amount = (money: Cents, currency: string): Cell =>
    money.currency === currency ? amountText(money) : moneyText(money);
  const rows = reports.flatMap(({ rowsInCents }) => [...rowsInCents]);
  const headers: (keyof Amounts)[] = [
    ...PARTS,
    ...(rows.every(({ unallocated }) => unallocated.minor === 0) ? [] : ['unallocated' as const]),
    'cost',
    ...(rows.some(({ revenue }) => revenue !== null) ? EARNED : []),
  ];
  return [
    ...(several ? [MONTH] : []),
    nameColumn(by),
    ...headers.map((header) => moneyColumn(header, amount)),
    ...(new Set(reports.map(({ currency }) => currency)).size === 1 ? [] : [CURRENCY]),
    ...(tenant === null ? [shareColumn(cx, reports)] : []),
  ];
}

/** How much of its month's bill a row is, drawn. */
function shareColumn(cx: Context, reports: readonly StreamedReport[]): Column<Line> {
  const unicode = drawsUnicode(cx.io.env);
  const bills = new Map(reports.map(({ month, totals }) => [month, totals.bill.minor]));
  return {
    header: 'of the bill',
    value: ({ month, row: { cost } }) => {
      const bill = bills.get(month) ?? 0;
      if (bill <= 0) return null;
      const percent = ((cost.minor / bill) * 100).toFixed(1).padStart(5);
      // The number first: where the screen is narrow the drawing is cut.
      return `${percent} % ${quotaBar(Math.min(Math.max(0, cost.minor), bill), bill, { unicode, width: 10 })}`;
    },
  };
}

const REASONS: Readonly<Record<CostReport['unallocated'][number]['reason'], string>> = {
  unknown_tenant: 'no tenant has the id of the tag',
  no_usage: 'nobody used what it is split by',
  no_cost: 'nobody has any cost that it could be shared by',
  no_tenants: 'there was no tenant',
  policy: 'the policy says so',
};
/** Reasons that are named one by one; the others are in the JSON. */
const FEW = 5;

/** How the bill adds up, and what of it is no tenant's and why: for stderr. */
function sumOf({ month, totals, coverage, unallocated }: StreamedReport): string[] {
  const part = (name: 'direct' | 'allocated' | 'overhead' | 'unallocated'): string =>
    `${amountText(totals[name])} ${name}${coverage[name] === null ? '' : ` (${coverage[name]} %)`}`;
  const sum = `${month}: ${moneyText(totals.bill)} = ${part('direct')} + ${part('allocated')} + ${part('overhead')} + ${part('unallocated')}`;
  const named = unallocated.slice(0, FEW).map(({ cost, service, tag, driver, reason }) => {
    const what = [
      visible(service ?? 'no service'),
      tag === null ? null : `tagged ${JSON.stringify(tag)}`,
      driver === null ? null : `by ${driver}`,
    ];
    return `  unallocated ${amountText(cost)}: ${what.filter((text) => text !== null).join(', ')}; ${REASONS[reason]}`;
  });
  const more = unallocated.length - named.length;
  return [sum, ...named, ...(more > 0 ? [`  and ${more} more; -o json names them all`] : [])];
}

function factsOf({ totals, coverage, estimated, dataThrough, source, queryCost }: StreamedReport): string {
  const drift = coverage.meteringDrift;
  return [
    `from ${source}`,
    estimated ? 'estimated: the month is not final' : 'final',
    dataThrough === null ? null : `data through ${dataThrough}`,
    // The sample's requests are nobody's calls.
    drift === null || drift.percent === null || source === 'sample'
      ? null
      : `${drift.metered} calls metered, ${drift.billed} billed (${drift.percent} %)`,
    totals.margin === null ? null : `margin ${moneyText(totals.margin)}`,
    queryCost.requests === 0
      ? null
      : `${queryCost.requests} requests to Cost Explorer cost ${moneyText(queryCost)}`,
  ]
    .filter((fact) => fact !== null)
    .join('; ');
}
