import { createHash } from 'node:crypto';
import { type Money, sumOfMoney } from '../../core/cost/money.ts';
import { type CostReport, type CostRow, UNALLOCATED } from '../../core/cost/report.ts';
import { amountText, moneyText } from '../amount.ts';
import { monthColumns, type Part, type Parts, partsKey, stackedBar, tenantBars } from './chart.ts';
import { type Html, html, raw } from './html.ts';
import { type Method, methodSection } from './method.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { groupTable, monthTable, tenantTable } from './tables.ts';

export interface ReportPage {
  /** The stack, as its people call it. */
  stack: string;
  /** By tenant; ascending by month, and the last one is shown whole. */
  months: readonly [CostReport, ...CostReport[]];
  /** The last month by service; `null`: left out. */
  services: CostReport | null;
  /** Of a tenant alone, or `null`. */
  tenant: string | null;
  method: Method;
  /** ISO-8601. */
  madeAt: string;
}

/** Tenants with a bar of their own; the others share one. */
const BARS = 15;

/**
 * A report as one page: nothing is loaded from anywhere, and it reads without script. The page's own policy
 * forbids whatever it does not bring along.
 */
export function reportPage(page: ReportPage): string {
  const { months, services, tenant, stack } = page;
  const report = months.at(-1) ?? months[0];
  const title = `Cost of ${tenant ?? stack}, ${report.month}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';script-src '${hashOf(SCRIPT)}';base-uri 'none';form-action 'none'">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><title>${title}</title><style>${raw(STYLE)}</style></head>
<body><a class="skip" href="#tenants">To the table</a>
<header><h1>${title}</h1>${facts(report)}</header>
<main>
${summary(report)}
<section id="tenants" aria-labelledby="h-tenants"><h2 id="h-tenants">${tenant === null ? 'Every tenant' : 'The tenant'}</h2>${tenantTable(report, { filtered: tenant !== null })}</section>
${chartOfTenants(report, tenant)}
${chartOfMonths(months)}
${services === null ? null : html`<section aria-labelledby="h-services"><h2 id="h-services">By ${services.by}</h2>${groupTable(services, { filtered: tenant !== null })}</section>`}
${unallocatedSection(report)}
${methodSection(page.method, report)}
</main>
<footer class="soft"><p>Made by saasctl at <time datetime="${page.madeAt}">${timeText(page.madeAt)}</time>, from ${report.source}. Amounts are exact to the last digit; point at one to see it.</p></footer>
<script>${raw(SCRIPT)}</script></body></html>
`.html;
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
const timeText = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

function facts({ source, estimated, dataThrough, currency }: CostReport): Html {
  return html`<ul class="pills"><li${estimated ? html` class="warn"` : null}>${estimated ? 'Estimated: the month is not final' : 'Final'}</li><li>${currency}</li><li>Source: ${source}</li>${dataThrough === null ? null : html`<li>Data through ${timeText(dataThrough)}</li>`}</ul>`;
}

const percentText = (percent: number | null): string => (percent === null ? '–' : `${percent} %`);

/** The bill as a sum of what became of it. */
function summary({ totals, coverage, currency }: CostReport): Html {
  const part = (name: Part, about: string): Html =>
    html`<div class="${name}"><dt>${name.charAt(0).toUpperCase()}${name.slice(1)}</dt><dd>${amountText(totals[name])}<small>${percentText(coverage[name])}: ${about}</small></dd></div>`;
  const { margin, revenue, fees } = totals;
  return html`<section aria-labelledby="h-sum"><h2 id="h-sum">It adds up</h2>
<p class="soft">Direct + allocated + overhead + unallocated is the bill, in ${currency}, exactly.</p>
${stackedBar(minorParts(totals), drawnTotal(minorParts(totals)), 18)}
<dl class="sum"><div class="bill"><dt>The bill, ${currency}</dt><dd>${amountText(totals.bill)}${totals.excluded.minor === 0 ? null : html`<small>without ${moneyText(totals.excluded)} that the policy leaves out</small>`}</dd></div>
${part('direct', 'tagged with a tenant')}${part('allocated', 'split by what was metered')}${part('overhead', 'shared by policy')}${part('unallocated', 'no tenant’s')}
${margin === null ? null : html`<div><dt>Margin</dt><dd class="${margin.minor < 0 ? 'loss' : 'gain'}">${amountText(margin)}<small>${revenue === null ? '' : `${amountText(revenue)} revenue, ${fees === null ? '–' : amountText(fees)} fees`}</small></dd></div>`}</dl></section>`;
}

const minorParts = (row: Pick<CostRow, Part>): Parts => ({
  direct: row.direct.minor,
  allocated: row.allocated.minor,
  overhead: row.overhead.minor,
  unallocated: row.unallocated.minor,
});
const drawnTotal = (parts: Parts): number =>
  Object.values(parts).reduce((sum, part) => sum + Math.max(0, part), 0);

function chartOfTenants({ rows, currency }: CostReport, tenant: string | null): Html | null {
  const tenants = rows.filter(({ tenantId }) => tenantId !== UNALLOCATED);
  if (tenant !== null || tenants.length < 2) return null;
  const others = tenants.slice(BARS);
  const bars = tenants.slice(0, BARS).map((row) => ({
    label: row.tenantId ?? '',
    parts: minorParts(row),
    value: amountText(row.cost),
  }));
  if (others.length > 0) {
    const minor = others.reduce((sum, { cost }) => sum + cost.minor, 0);
    bars.push({
      label: `${others.length} others`,
      parts: others.map(minorParts).reduce(added),
      value: amountText({ minor, currency }),
    });
  }
  return html`<section aria-labelledby="h-bars"><h2 id="h-bars">The most expensive tenants</h2>${partsKey()}${tenantBars(bars)}</section>`;
}

const added = (a: Parts, b: Parts): Parts => ({
  direct: a.direct + b.direct,
  allocated: a.allocated + b.allocated,
  overhead: a.overhead + b.overhead,
  unallocated: a.unallocated + b.unallocated,
});

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function chartOfMonths(months: readonly CostReport[]): Html | null {
  if (months.length < 2) return null;
  const columns = months.map(({ month, totals }) => ({
    label: `${MONTHS[Number(month.slice(5)) - 1] ?? month}${months.length > 12 ? ` ${month.slice(2, 4)}` : ''}`,
    parts: minorParts(totals),
    value: amountText(totals.bill),
  }));
  const [first] = months;
  const last = months.at(-1) ?? first;
  const about = `The bill by month, ${first?.month} to ${last?.month}; the table below has its figures`;
  return html`<section aria-labelledby="h-months"><h2 id="h-months">By month</h2>${partsKey()}${monthColumns(columns, about)}${monthTable(months)}</section>`;
}

const REASONS: Readonly<Record<CostReport['unallocated'][number]['reason'], string>> = {
  unknown_tenant: 'the tag’s value is no tenant',
  no_usage: 'nobody used what it is split by',
  no_cost: 'nobody has any cost that it could be shared by',
  no_tenants: 'there was no tenant',
  policy: 'the policy says so',
};

const exactly = (cost: Money): Html =>
  html`<strong title="${cost.exact} ${cost.currency}">${moneyText(cost)}</strong>`;

/** Unallocated costs that are named one by one; the others are one line. */
const NAMED = 50;

/** Cost that no tenant carries, with its reason: the largest by themselves, whatever their sign. */
function unallocatedSection({ unallocated, notes, currency }: CostReport): Html | null {
  if (unallocated.length === 0 && notes.length === 0) return null;
  const size = ({ cost }: (typeof unallocated)[number]): number => Math.abs(cost.minor);
  const named = new Set([...unallocated].sort((a, b) => size(b) - size(a)).slice(0, NAMED));
  const items = unallocated
    .filter((entry) => named.has(entry))
    .map(({ reason, service, tag, driver, cost }) => {
      const where = [
        service,
        tag === null ? null : `tagged “${tag}”`,
        driver === null ? null : `by ${driver}`,
      ];
      return html`<li>${exactly(cost)} ${where.filter((text) => text !== null).join(', ')}: ${REASONS[reason]}</li>`;
    });
  const others = unallocated.filter((entry) => !named.has(entry)).map(({ cost }) => cost);
  if (others.length > 0)
    items.push(
      html`<li>${exactly(sumOfMoney(others, currency))} in ${others.length} more, none larger than these</li>`,
    );
  return html`<section aria-labelledby="h-open"><h2 id="h-open">Unallocated, and what to know</h2>${items.length === 0 ? null : html`<ul>${items}</ul>`}${notes.map((note) => html`<p>${note}</p>`)}</section>`;
}
