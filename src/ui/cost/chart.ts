import { type Html, html } from './html.ts';

/** The parts of a cost, in the order in which they are stacked and keyed. */
export const PARTS = ['direct', 'allocated', 'overhead', 'unallocated'] as const;
export type Part = (typeof PARTS)[number];
export type Parts = Readonly<Record<Part, number>>;

const percent = (share: number): string => `${Math.round(share * 10_000) / 100}%`;
/** What can be drawn: a credit takes no room, and the number beside it says so. */
const drawn = (parts: Parts): number => PARTS.reduce((sum, part) => sum + Math.max(0, parts[part]), 0);

/** Parts side by side; `of` is what fills the whole width. Hidden from readers: the figures stand beside it. */
export function stackedBar(parts: Parts, of: number, height: number): Html {
  let x = 0;
  const rects = PARTS.map((part) => {
    const width = of <= 0 ? 0 : Math.max(0, parts[part]) / of;
    const rect = html`<rect class="${part}" x="${percent(x)}" width="${percent(width)}" height="${height}"/>`;
    x += width;
    return width === 0 ? null : rect;
  });
  return html`<svg class="bar" height="${height}" aria-hidden="true" focusable="false"><rect width="100%" height="${height}" fill="var(--line)" opacity=".5"/>${rects}</svg>`;
}

export function partsKey(): Html {
  return html`<ul class="key" aria-hidden="true">${PARTS.map((part) => html`<li class="${part}">${part}</li>`)}</ul>`;
}

/** One bar a tenant, the longest the full width. */
export function tenantBars(rows: readonly { label: string; parts: Parts; value: string }[]): Html {
  const greatest = Math.max(0, ...rows.map(({ parts }) => drawn(parts)));
  return html`<ul class="bars">${rows.map(
    ({ label, parts, value }) =>
      html`<li><span>${label}</span>${stackedBar(parts, greatest, 16)}<span>${value}</span></li>`,
  )}</ul>`;
}

const HEIGHT = 180;
const LABELS = 24;
const TOP = 20;
/** Beyond a year some months are named, with their year: the names of all would lie upon each other. */
const YEAR = 12;
const NAMED = 6;

/** One column a month, stacked; `about` says in words what it shows. */
export function monthColumns(
  months: readonly { label: string; parts: Parts; value: string }[],
  about: string,
): Html {
  const greatest = Math.max(0, ...months.map(({ parts }) => drawn(parts)));
  const step = 1 / months.length;
  const width = Math.min(step * 0.7, 0.12);
  // Every value is written where there is room; in a narrow chart the greatest alone.
  const peak = months.findIndex(({ parts }) => drawn(parts) === greatest);
  const every = months.length <= YEAR ? 1 : Math.ceil(months.length / NAMED);
  const columns = months.map(({ label, parts, value }, i) => {
    const middle = (i + 0.5) * step;
    let y = HEIGHT;
    const rects = PARTS.map((part) => {
      const height = greatest === 0 ? 0 : (Math.max(0, parts[part]) / greatest) * HEIGHT;
      y -= height;
      return height === 0
        ? null
        : html`<rect class="${part}" x="${percent(middle - width / 2)}" width="${percent(width)}" y="${(y + TOP).toFixed(1)}" height="${height.toFixed(1)}"/>`;
    });
    const named =
      i === peak || months.length <= 4
        ? html`<text x="${percent(middle)}" y="${(y + TOP - 6).toFixed(1)}" text-anchor="${anchor(i, months.length)}">${value}</text>`
        : null;
    const name =
      (months.length - 1 - i) % every === 0
        ? html`<text x="${percent(middle)}" y="${HEIGHT + TOP + 17}" text-anchor="middle">${label}</text>`
        : null;
    return html`<g>${rects}${named}${name}</g>`;
  });
  return html`<svg class="months" height="${HEIGHT + TOP + LABELS}" role="img" aria-label="${about}"><line x1="0" x2="100%" y1="${HEIGHT + TOP}" y2="${HEIGHT + TOP}" stroke="var(--line)"/>${columns}</svg>`;
}

/** Texts over the outermost columns stay within the chart. */
const anchor = (i: number, count: number): string =>
  count < 6 ? 'middle' : i === 0 ? 'start' : i === count - 1 ? 'end' : 'middle';
