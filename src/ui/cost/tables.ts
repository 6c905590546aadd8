import { type Money, sumOfMoney } from '../../core/cost/money.ts';
import { type CostReport, type CostRow, UNALLOCATED } from '../../core/cost/report.ts';
import { amountText, moneyText } from '../amount.ts';
import { type Html, html } from './html.ts';

type Columns = readonly (readonly [label: string, value: Money | null])[];

/**
 * Cells of money: what each is sorted by, and the exact amount for those who point at it. An amount in another
 * currency than the table's says so; a loss is red, and negative.
 */
const cells = (columns: Columns, currency: string): Html[] =>
  columns.map(([label, value]) => {
    if (value === null) return html`<td role="cell" data-label="${label}" data-v="">–</td>`;
    const text = value.currency === currency ? amountText(value) : moneyText(value);
    const tone =
      label === 'Margin' && value.minor < 0
        ? html` class="loss"`
        : value.minor === 0
          ? html` class="none"`
          : null;
    return html`<td role="cell" data-label="${label}" data-v="${value.minor}" title="${value.exact} ${value.currency}"${tone}>${text}</td>`;
  });

const heads = (texts: readonly string[]): Html[] =>
  texts.map((text) => html`<th role="columnheader" scope="col">${text}</th>`);

type Amounts = Pick<
  CostRow,
  'direct' | 'allocated' | 'overhead' | 'unallocated' | 'revenue' | 'fees' | 'margin'
>;
const parts = ({ direct, allocated, overhead }: Amounts): Columns => [
  ['Direct', direct],
  ['Allocated', allocated],
  ['Overhead', overhead],
];
const earned = ({ revenue, fees, margin }: Amounts): Columns => [
  ['Revenue', revenue],
  ['Fees', fees],
  ['Margin', margin],
];

const line = (name: Html | string, columns: Columns, currency: string, kind: 'rest' | null = null): Html =>
  html`<tr role="row"${kind === null ? null : html` class="${kind}"`}><th role="rowheader" scope="row">${name}</th>${cells(columns, currency)}</tr>`;

interface Table {
  caption: string;
  heads: readonly string[];
  body: readonly Html[];
  foot: Html | null;
  sortable: boolean;
}

const table = ({ caption, heads: texts, body, foot, sortable }: Table): Html =>
  html`<table class="wide${sortable ? ' sortable' : ''}" role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${heads(texts)}</tr></thead>
<tbody role="rowgroup">${body}</tbody>
${foot === null ? null : html`<tfoot role="rowgroup">${foot}</tfoot>`}</table>`;

/** Rows of a table: a browser lays out so many at once, and thousands not. */
const ROWS = 250;

/**
 * Who costs what: every row adds up, and so does every column. Beyond `ROWS` tenants the others are one row, and
 * stand one by one in tables below that open. `filtered`: it is not the whole bill.
 */
export function tenantTable(
  { rows, totals, currency, month }: CostReport,
  { filtered }: { filtered: boolean },
): Html {
  const hasRevenue = rows.some(({ revenue }) => revenue !== null);
  // One more column where it has something to say, so that every row adds up.
  const rest = totals.unallocated.minor !== 0 && !filtered;
  const columns = (amounts: Amounts, cost: Money): Columns => [
    ...parts(amounts),
    ...(rest ? [['Unallocated', amounts.unallocated] as const] : []),
    ['Cost', cost],
    ...(hasRevenue ? earned(amounts) : []),
  ];
  const tenants = rows.filter((row) => !isRest(row));
  const first = tenants.slice(0, ROWS);
  const others = tenants.slice(ROWS);
  const sums = summed(others, currency);
  const rowsOf = (some: readonly CostRow[]): Html[] =>
    some.map((row) => line(tenantName(row), columns(row, row.cost), currency, isRest(row) ? 'rest' : null));
  const texts = [
    'Tenant',
    'Direct',
    'Allocated',
    'Overhead',
    ...(rest ? ['Unallocated'] : []),
    'Cost',
    ...(hasRevenue ? ['Revenue', 'Fees', 'Margin'] : []),
  ];
  const main = table({
    caption: `Cost in ${month}, in ${currency}: direct + allocated + overhead${rest ? ' + unallocated' : ''} = cost.${hasRevenue ? ' Revenue − fees − cost = margin.' : ''}`,
    heads: texts,
    body: [
      ...rowsOf(first),
      ...(others.length === 0
        ? []
        : [line(`${others.length} others, below`, columns(sums, sums.cost), currency, 'rest')]),
      ...rowsOf(rows.filter(isRest)),
    ],
    foot: filtered ? null : line('The bill', columns(totals, totals.bill), currency),
    sortable: true,
  });
  const more = chunks(others).map((some, at) => {
    const from = ROWS * (at + 1) + 1;
    const caption = `Tenants ${from} to ${from + some.length - 1} by cost in ${month}, in ${currency}`;
    const part = table({ caption, heads: texts, body: rowsOf(some), foot: null, sortable: true });
    return html`<details><summary>${caption}</summary>${part}</details>`;
  });
  return html`${main}${more}`;
}

const isRest = ({ tenantId }: CostRow): boolean => tenantId === UNALLOCATED;

function chunks(rows: readonly CostRow[]): CostRow[][] {
  return Array.from({ length: Math.ceil(rows.length / ROWS) }, (_, at) =>
    rows.slice(at * ROWS, (at + 1) * ROWS),
  );
}

const SUMMED = ['direct', 'allocated', 'overhead', 'unallocated', 'cost'] as const;
const EARNED = ['revenue', 'fees', 'margin'] as const;

/** Many rows as one. What is not known of one of them, or in another currency, is not known of all. */
function summed(rows: readonly CostRow[], currency: string): Amounts & { cost: Money } {
  const sum = (amounts: readonly Money[]): Money => sumOfMoney(amounts, currency);
  const known = (column: (typeof EARNED)[number]): Money | null => {
    const amounts = rows.map((row) => row[column]).filter((amount) => amount?.currency === currency);
    return amounts.length < rows.length ? null : sum(amounts.filter((amount) => amount !== null));
  };
  const [direct, allocated, overhead, unallocated, cost] = SUMMED.map((column) =>
    sum(rows.map((row) => row[column])),
  ) as [Money, Money, Money, Money, Money];
  const [revenue, fees, margin] = [known('revenue'), known('fees'), known('margin')];
  return { direct, allocated, overhead, unallocated, cost, revenue, fees, margin };
}

function tenantName({ tenantId, name, plan, status }: CostRow): Html {
  const about = [name === tenantId ? null : name, plan, status === 'active' ? null : status].filter(
    (text) => text !== null,
  );
  return html`${tenantId}${about.length === 0 ? null : html` <small>${about.join(' · ')}</small>`}`;
}

/** What each service or feature costs. */
export function groupTable(
  { rows, totals, month, currency, by }: CostReport,
  { filtered }: { filtered: boolean },
): Html {
  const columns = (amounts: Amounts, cost: Money): Columns => [
    ...parts(amounts),
    ['Unallocated', amounts.unallocated],
    ['Cost', cost],
  ];
  return table({
    caption: `${filtered ? 'The tenant’s cost' : 'The bill'} of ${month} by ${by}, in ${currency}`,
    heads: [
      by === 'service' ? 'Service' : 'Feature',
      'Direct',
      'Allocated',
      'Overhead',
      'Unallocated',
      'Cost',
    ],
    body: rows.map((row) =>
      line((by === 'service' ? row.service : row.feature) ?? '', columns(row, row.cost), currency),
    ),
    foot: filtered ? null : line('The bill', columns(totals, totals.bill), currency),
    sortable: true,
  });
}

/** One line a month. */
export function monthTable(reports: readonly CostReport[]): Html {
  const hasRevenue = reports.some(({ totals }) => totals.revenue !== null);
  return table({
    caption: 'The bill by month',
    heads: [
      'Month',
      'Direct',
      'Allocated',
      'Overhead',
      'Unallocated',
      'Bill',
      ...(hasRevenue ? ['Revenue', 'Fees', 'Margin'] : []),
    ],
    body: reports.map(({ month, estimated, totals, currency }) =>
      line(
        html`${month}${estimated ? html` <small>estimated</small>` : null}`,
        [
          ...parts(totals),
          ['Unallocated', totals.unallocated],
          ['Bill', totals.bill],
          ...(hasRevenue ? earned(totals) : []),
        ],
        currency,
      ),
    ),
    foot: null,
    sortable: false,
  });
}
