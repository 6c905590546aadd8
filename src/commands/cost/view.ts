import type { Money } from '../../core/cost/money.ts';
import { type By, type CostReport, type CostRow, UNALLOCATED } from '../../core/cost/report.ts';
import { amountText, moneyText, plainAmount } from '../../ui/amount.ts';
import { drawsUnicode, quotaBar } from '../../ui/bar.ts';
import type { Cell, Column } from '../../ui/result.ts';
import type { Context } from '../context.ts';

type Line = CostRow & { month: string; currency: string };

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
export async function printReport(cx: Context, reports: readonly CostReport[], view: View): Promise<void> {
  const { format, query } = cx.globals;
  const [first] = reports;
  if (format === 'json' || format === 'yaml' || query !== undefined) {
    await (view.several || first === undefined
      ? cx.print({ kind: 'list', items: reports, id: ({ month }) => month, columns: [] })
      : cx.print({ kind: 'one', item: first, id: first.month, fields: [] }));
    return;
  }
  const lines = reports.flatMap(({ month, currency, rows }) =>
    rows.map((row): Line => ({ month, currency, ...row })),
  );
  await cx.print<Line>({
    kind: 'list',
    items: lines,
    id: (line) => nameOf(line, view.by),
    columns: columnsOf(cx, reports, lines, view),
    empty: 'the bill of the month is empty',
  });
  for (const report of reports) for (const text of sumOf(report)) cx.note(text);
  const last = reports.at(-1);
  if (last !== undefined) cx.note(cx.paint.dim(factsOf(last)));
  for (const note of first?.notes ?? []) cx.note(note);
}

const nameOf = (line: CostRow, by: By): string =>
  (by === 'tenant' ? line.tenantId : by === 'service' ? line.service : line.feature) ?? '';

function columnsOf(
  cx: Context,
  reports: readonly CostReport[],
  lines: readonly Line[],
  { by, several, tenant }: View,
): Column<Line>[] {
  const forEyes = cx.io.stdoutIsTTY && cx.globals.format === 'table';
  const amount = (money: Money | null, currency: string): Cell => {
    if (money === null) return null;
    // A text that begins with a minus would be a formula to a spreadsheet, and come with an apostrophe.
    if (cx.globals.format === 'csv') return Number(plainAmount(money));
    if (!forEyes) return plainAmount(money);
    return money.currency === currency ? amountText(money) : moneyText(money);
  };
  const column = (header: string, value: (line: Line) => Money | null): Column<Line> => ({
    header,
    value: (line) => amount(value(line), line.currency),
    paint: (text, line, paint) => {
      const money = value(line);
      if (money === null || money.minor === 0) return paint.dim(text);
      return header === 'margin' && money.minor < 0 ? paint.red(text) : text;
    },
    align: 'right',
  });
  const hasRevenue = lines.some(({ revenue }) => revenue !== null);
  const earned = [
    column('revenue', ({ revenue }) => revenue),
    column('fees', ({ fees }) => fees),
    column('margin', ({ margin }) => margin),
  ];
  const currencies = new Set(reports.map(({ currency }) => currency));
  return [
    ...(several ? [{ header: 'month', value: ({ month }: Line) => month }] : []),
    {
      header: by,
      value: (line) => nameOf(line, by),
      paint: (text, { tenantId }, paint) => (tenantId === UNALLOCATED ? paint.yellow(text) : text),
    },
    column('direct', ({ direct }) => direct),
    column('allocated', ({ allocated }) => allocated),
    column('overhead', ({ overhead }) => overhead),
    ...(forEyes && lines.every(({ unallocated }) => unallocated.minor === 0)
      ? []
      : [column('unallocated', ({ unallocated }) => unallocated)]),
    column('cost', ({ cost }) => cost),
    ...(forEyes && !hasRevenue ? [] : earned),
    ...(forEyes && currencies.size === 1
      ? []
      : [{ header: 'currency', value: ({ currency }: Line) => currency }]),
    ...(forEyes && tenant === null ? [shareColumn(cx, reports)] : []),
  ];
}

/** How much of its month's bill a row is, drawn. */
function shareColumn(cx: Context, reports: readonly CostReport[]): Column<Line> {
  const unicode = drawsUnicode(cx.io.env);
  const bills = new Map(reports.map(({ month, totals }) => [month, totals.bill.minor]));
  return {
    header: 'of the bill',
    value: ({ month, cost }) => {
      const bill = bills.get(month) ?? 0;
      if (bill <= 0) return null;
      const percent = Math.round((cost.minor / bill) * 1000) / 10;
      return `${quotaBar(Math.min(Math.max(0, cost.minor), bill), bill, { unicode, width: 10 })} ${percent} %`;
    },
  };
}

const REASONS: Readonly<Record<CostReport['unallocated'][number]['reason'], string>> = {
  unknown_tenant: 'no tenant has the id of the tag',
  no_usage: 'nobody used what it is split by',
  no_tenants: 'there was no tenant',
  policy: 'the policy says so',
};
/** Reasons that are named one by one; the others are in the JSON. */
const FEW = 5;

/** How the bill adds up, and what of it is no tenant's and why: for stderr. */
function sumOf({ month, totals, coverage, unallocated }: CostReport): string[] {
  const part = (name: 'direct' | 'allocated' | 'overhead' | 'unallocated'): string =>
    `${amountText(totals[name])} ${name}${coverage[name] === null ? '' : ` (${coverage[name]} %)`}`;
  const sum = `${month}: ${moneyText(totals.bill)} = ${part('direct')} + ${part('allocated')} + ${part('overhead')} + ${part('unallocated')}`;
  const named = unallocated.slice(0, FEW).map(({ cost, service, tag, driver, reason }) => {
    const what = [
      service ?? 'no service',
      tag === null ? null : `tagged ${JSON.stringify(tag)}`,
      driver === null ? null : `by ${driver}`,
    ];
    return `  unallocated ${amountText(cost)}: ${what.filter((text) => text !== null).join(', ')}; ${REASONS[reason]}`;
  });
  const more = unallocated.length - named.length;
  return [sum, ...named, ...(more > 0 ? [`  and ${more} more; -o json names them all`] : [])];
}

function factsOf({ totals, coverage, estimated, dataThrough, source, queryCost }: CostReport): string {
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
