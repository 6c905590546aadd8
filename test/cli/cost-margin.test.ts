import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, openProject, type Project } from '../fixtures/cli.ts';
import { focusFile } from '../fixtures/focus.ts';
import { charge, invoice, serveBooks } from '../fixtures/stripe-books.ts';

// October: `earns` brings $29.00 and costs $10.00, `loses` brings $9.00 and costs $12.00. What `earns` was charged
// besides, without an invoice, counts in nothing.
let project: Project;
let stripe: Awaited<ReturnType<typeof serveBooks>>;
const OCTOBER = ['2026-10-01', '2026-10-01', '2026-11-01'] as const;

beforeAll(async () => {
  [project, stripe] = await Promise.all([openProject(), serveBooks()]);
  project.clock.now = Date.parse('2026-09-10T12:00:00Z');
  await project.edit((file) => {
    file.profiles.local.stripe = 'test';
    file.cost = { source: 'focus:bill.csv' };
  });
  for (const id of ['earns', 'loses']) {
    await project.cli(`tenant create ${id} --plan pro --stripe-customer cus_${id} -q`);
  }
  project.clock.now = Date.parse('2026-11-20T12:00:00Z');
  const invoices = [
    invoice('in_1', 'cus_earns', OCTOBER, { net: 2900, tax: 551 }),
    invoice('in_2', 'cus_loses', OCTOBER, { net: 900 }),
  ];
  stripe.books.invoices.push(...invoices);
  for (const [at, paid] of invoices.entries()) stripe.books.payments.set(`pi_${at + 1}`, paid);
  stripe.books.balance.push(
    charge('1', 'cus_earns', '2026-10-01', 3451, 114),
    charge('2', 'cus_loses', '2026-10-01', 900, 56),
    charge('3', 'cus_earns', '2026-10-09', 99_900, 2927),
  );
  await writeFile(
    join(project.dir, 'bill.csv'),
    focusFile([
      { cost: '10', tenant: 'earns' },
      { cost: '12', tenant: 'loses' },
    ]),
  );
});
afterAll(async () => {
  await Promise.all([project.close(), stripe.close()]);
});

const KEY = 'sk_test_51Books';
const cli = (words: string, more: Record<string, string> = {}) =>
  project.cli(words, { env: { STRIPE_API_KEY: KEY, SAASCTL_STRIPE_URL: stripe.url, ...more } });

describe('margin', () => {
  it('is revenue less fees less cost, by tenant and in all', async () => {
    const { rows, totals } = (await cli('cost report -o json')).json();
    expect(
      rows.map(({ tenantId, revenue, fees, cost, margin }: Json) => [
        tenantId,
        revenue.minor,
        fees.minor,
        cost.minor,
        margin.minor,
      ]),
    ).toEqual([
      ['loses', 900, 56, 1200, -356],
      ['earns', 2900, 114, 1000, 1786],
    ]);
    expect(totals).toMatchObject({ revenue: { minor: 3800 }, fees: { minor: 170 }, margin: { minor: 1430 } });
  });

  it('without the key the columns are null', async () => {
    const { rows } = (await project.cli('cost report -o json')).json();
    expect(rows[0]).toMatchObject({ revenue: null, fees: null, margin: null });
  });

  it('below nothing ends with 8, names who, and shows the report all the same', async () => {
    const ran = await cli('cost report --fail-on-negative-margin -o json');
    expect([ran.code, ran.error().code]).toEqual([8, 'negative_margin']);
    expect(ran.error().next).toContain(
      `saasctl cost advise --month 2026-10 --source focus:${join(project.dir, 'bill.csv')}`,
    );
    expect(ran.error().message).toContain('loses in 2026-10 (USD -3.56)');
    expect(ran.error().message).not.toContain('earns');
    expect(ran.json().rows).toHaveLength(2);
    expect((await cli('cost report --fail-on-negative-margin --tenant earns -q')).code).toBe(0);
  });

  it('of a tenant who pays in another currency is open, said, and no pass in cron', async () => {
    stripe.books.invoices[0] = invoice('in_1', 'cus_earns', OCTOBER, { net: 2900, currency: 'eur' });
    const cached = ['-q', '--fail-on-negative-margin', '--tenant', 'earns'];
    // Another key is another account, of which nothing is kept yet.
    const env = { STRIPE_API_KEY: 'sk_test_51Other', SAASCTL_STRIPE_URL: stripe.url };
    const report = (await project.cli('cost report -o json', { env })).json();
    expect(report.rows.find(({ tenantId }: Json) => tenantId === 'earns').margin).toBeNull();
    expect(report.totals.margin).toBeNull();
    expect(report.notes.join()).toContain('EUR');
    expect((await project.cli(['cost', 'report', ...cached], { env })).code).toBe(8);
  });

  it('the advice names the tenant that loses money', async () => {
    const { items } = (await cli('cost advise -o json')).json();
    expect(items.filter(({ kind }: Json) => kind === 'loss').map(({ subject }: Json) => subject)).toEqual([
      'loses',
    ]);
  });

  it('the page has it, with the tenant’s name as text and not as markup', async () => {
    await cli('tenant update earns --name <b>&"Earns" -q');
    const ran = await cli('cost report --html margin.html');
    expect(ran.stderr).toContain('margin USD 14.30');
    const page = await readFile(join(project.dir, 'margin.html'), 'utf8');
    expect(page).toContain('&lt;b&gt;&amp;&quot;Earns&quot;');
    expect(page).toContain('class="loss"');
    expect(page).not.toContain(KEY);
  });

  it('a key of the wrong mode is refused before anything is asked', async () => {
    const before = stripe.requests.length;
    const ran = await cli('cost report -o json', { STRIPE_API_KEY: 'sk_live_51Books' });
    expect([ran.code, ran.error().code]).toEqual([2, 'stripe_key_mismatch']);
    expect(stripe.requests.length).toBe(before);
  });
});
