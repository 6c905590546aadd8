import { describe, expect, it } from 'vitest';
import { reportPage } from '../../../src/ui/cost/page.ts';
import { yearOfReports } from '../../fixtures/cost-reports.ts';

/** Tables of tenants: the first one, and those that open. */
const tables = (page: string): string[] =>
  /<section id="tenants".*?<\/section>/s
    .exec(page)?.[0]
    .split('<table')
    .slice(1)
    .map((one) => /<tbody.*?<\/tbody>/s.exec(one)?.[0] ?? '') ?? [];
const cents = (body: string, label: string): number =>
  [...body.matchAll(new RegExp(`data-label="${label}" data-v="(-?\\d+)"`, 'g'))].reduce(
    (sum, [, minor]) => sum + Number(minor),
    0,
  );

describe('a page of very many tenants', () => {
  const given = yearOfReports(1_130);
  const last = given.months.at(-1) ?? given.months[0];
  const page = reportPage(given);

  it('lays out a few hundred rows, and the others in tables that open without script', () => {
    const [first = '', ...others] = tables(page);
    expect(first.match(/<tr/g)).toHaveLength(252);
    expect(first).toContain('880 others, below');
    expect(others.map((body) => body.match(/<tr/g)?.length)).toEqual([250, 250, 250, 130]);
    expect(page.match(/<details><summary>Tenants 251 to 500 by cost/)).not.toBeNull();
    for (const { tenantId } of last.rows) expect(page).toContain(tenantId);
  });

  it('adds up all the same: the first table is the bill, and those below are its row of others', () => {
    const [first = '', ...others] = tables(page);
    for (const label of ['Cost', 'Direct', 'Allocated'] as const) {
      const whole = last.rows.reduce(
        (sum, row) => sum + row[label.toLowerCase() as 'cost' | 'direct' | 'allocated'].minor,
        0,
      );
      expect(cents(first, label), label).toBe(whole);
      const shown = last.rows
        .slice(0, 250)
        .reduce((sum, row) => sum + row[label.toLowerCase() as 'cost' | 'direct' | 'allocated'].minor, 0);
      const rest = last.rows.at(-1)?.tenantId === '(unallocated)' ? cents(first, label) - shown : 0;
      expect(cents(others.join(''), label), label).toBe(
        rest - (label === 'Cost' ? (last.rows.at(-1)?.cost.minor ?? 0) : 0),
      );
    }
  });
});

it('a page of few tenants has one table of them', () => {
  expect(tables(reportPage(yearOfReports(30)))).toHaveLength(1);
});

it('of very many costs that are nobody’s it names the largest, credits too, and what the others sum to', () => {
  const { months, ...rest } = yearOfReports(3);
  const last = months.at(-1) ?? months[0];
  const cost = (minor: number, exact: string) => ({ minor, currency: 'USD', exact });
  const strangers = Array.from({ length: 20_000 }, (_, at) => ({
    ...{ reason: 'unknown_tenant' as const, service: 'AWS Lambda', driver: null, tag: `stranger-${at}` },
    cost: at < 49 ? cost(1000 - at, `${1000 - at}e-2`) : cost(1, '0.0100000001'),
  }));
  const credit = { ...strangers[0], reason: 'policy' as const, service: 'Credits', driver: null, tag: null };
  const unallocated = [...strangers, { ...credit, cost: cost(-5000, '-50') }];
  const section = (entries: typeof unallocated): string => {
    const page = reportPage({ ...rest, months: [{ ...last, unallocated: entries }] });
    return /<section aria-labelledby="h-open">.*?<\/section>/s.exec(page)?.[0] ?? '';
  };
  const many = section(unallocated);
  expect(many.match(/<li>/g)).toHaveLength(51);
  expect(many).toContain('stranger-48”');
  expect(many).not.toContain('stranger-49”');
  expect(many).toContain('>USD -50.00</strong> Credits: the policy says so');
  expect(many).toContain('<strong title="199.5100019951 USD">USD 199.51</strong> in 19951 more');
  const few = section(unallocated.slice(-50));
  expect(few.match(/<li>/g)).toHaveLength(50);
  expect(few).not.toContain(' more');
});

it('names every month of a year, and some of more with their year', () => {
  const names = (count: number): string[] => {
    const { months, ...rest } = yearOfReports(3);
    const many = Array.from({ length: count }, (_, i) => ({
      ...months[0],
      month: `${2024 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, '0')}`,
    }));
    const page = reportPage({ ...rest, months: [many[0] ?? months[0], ...many.slice(1)] });
    const chart = /<svg class="months".*?<\/svg>/s.exec(page)?.[0] ?? '';
    return [...chart.matchAll(/y="217"[^>]*>([^<]*)</g)].map(([, name = '']) => name);
  };
  expect(names(12)).toEqual(expect.arrayContaining(['Jan', 'Jun', 'Dec']));
  expect(names(12)).toHaveLength(12);
  expect(names(36)).toEqual(['Jun 24', 'Dec 24', 'Jun 25', 'Dec 25', 'Jun 26', 'Dec 26']);
});

it('the method says whom credits went to: Cost Explorer’s are by service alone, FOCUS files say whom they are for', () => {
  const methodOf = (source: string): string => {
    const { months, ...rest } = yearOfReports(3);
    const [first, ...others] = months.map((month) => ({ ...month, source }));
    const page = first === undefined ? '' : reportPage({ ...rest, months: [first, ...others] });
    return page.slice(page.indexOf('What is not usage'));
  };
  expect(methodOf('focus:/exports')).toContain('Credits go to the tenant they are tagged with');
  expect(methodOf('ce')).toContain('Credits go the ways that the cost of their service went');
  expect(methodOf('ce')).not.toContain('Credits go to the tenant');
});
