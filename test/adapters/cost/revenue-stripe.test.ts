import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { earnedIn, portion } from '../../../src/adapters/cost/revenue-months.ts';
import { type StripeRevenueSettings, stripeRevenue } from '../../../src/adapters/cost/revenue-stripe.ts';
import { charge, invoice, refund, seconds, serveBooks } from '../../fixtures/stripe-books.ts';

let stripe: Awaited<ReturnType<typeof serveBooks>>;
let folder: string;
beforeEach(async () => {
  stripe = await serveBooks();
  folder = await mkdtemp(join(tmpdir(), 'saasctl-revenue-'));
});
afterEach(async () => {
  await stripe.close();
  await rm(folder, { recursive: true, force: true });
});

const NOW = Date.parse('2026-11-20T12:00:00Z');
const open = (more: Partial<StripeRevenueSettings> = {}) =>
  stripeRevenue({
    apiKey: 'sk_test_books',
    url: stripe.url,
    customers: new Map([
      ['cus_a', 'acme'],
      ['cus_g', 'globex'],
    ]),
    folder,
    trace: null,
    now: () => NOW,
    pause: async () => {},
    ...more,
  });
const month = async (name: string, more: Partial<StripeRevenueSettings> = {}) => {
  const source = open(more);
  try {
    return await source.month(name);
  } finally {
    source.close();
  }
};

describe('revenue from Stripe', () => {
  it('is net of tax, in the month that a line pays for: usage of October is invoiced in November', async () => {
    stripe.books.invoices.push(
      invoice('in_1', 'cus_a', ['2026-11-01', '2026-10-01', '2026-11-01'], { net: 2900, tax: 551 }),
    );
    expect((await month('2026-10')).tenants).toEqual([
      { tenantId: 'acme', currency: 'USD', revenue: 2900n, fees: 0n },
    ]);
    expect((await month('2026-11')).tenants).toEqual([]);
  });

  it('spreads a year over its months, and the months are the year', async () => {
    stripe.books.invoices.push(
      invoice('in_1', 'cus_a', ['2025-11-15', '2025-11-15', '2026-11-15'], { net: 100_000 }),
    );
    const source = open();
    let sum = 0n;
    for (let i = 0; i < 13; i++) {
      const name = new Date(Date.UTC(2025, 10 + i, 1)).toISOString().slice(0, 7);
      sum += (await source.month(name)).tenants[0]?.revenue ?? 0n;
    }
    source.close();
    expect(sum).toBe(100_000n);
  });

  it('counts what was promised or paid, not drafts, void and lost invoices, page by page', async () => {
    for (const [i, status] of ['paid', 'open', 'draft', 'void', 'uncollectible', 'paid'].entries()) {
      stripe.books.invoices.push(
        invoice(`in_${i}`, 'cus_a', ['2026-10-02', '2026-10-01', '2026-11-01'], { net: 10 ** i, status }),
      );
    }
    expect((await month('2026-10')).tenants[0]?.revenue).toBe(100_011n);
  });

  it('takes off refunds without their tax, and fees, in the month that they happen', async () => {
    const paid = invoice('in_1', 'cus_a', ['2026-09-01', '2026-09-01', '2026-10-01'], {
      net: 1000,
      tax: 190,
    });
    stripe.books.invoices.push(paid);
    stripe.books.payments.set('pi_1', paid);
    stripe.books.balance.push(
      charge('1', 'cus_a', '2026-09-01', 1190, 64),
      refund('2', 'pi_1', '2026-10-05', 595),
      refund('3', 'pi_of_no_invoice', '2026-10-05', 700),
    );
    expect((await month('2026-09')).tenants).toEqual([
      { tenantId: 'acme', currency: 'USD', revenue: 1000n, fees: 64n },
    ]);
    expect((await month('2026-10')).tenants).toEqual([
      { tenantId: 'acme', currency: 'USD', revenue: -500n, fees: 0n },
    ]);
  });

  it('counts fees of payments of invoices, however long ago these were made, and of no other charges', async () => {
    for (const [id, made] of [
      ['1', '2026-10-01'],
      ['2', '2026-09-20'],
      ['3', '2026-01-05'],
    ] as const) {
      stripe.books.payments.set(`pi_${id}`, invoice(`in_${id}`, 'cus_a', [made, made, made], { net: 1000 }));
      stripe.books.balance.push(charge(id, 'cus_a', '2026-10-02', 1000, 10 ** Number(id)));
    }
    stripe.books.balance.push(charge('one_off', 'cus_a', '2026-10-03', 50_000, 70_000));
    expect((await month('2026-10')).tenants).toEqual([
      { tenantId: 'acme', currency: 'USD', revenue: 0n, fees: 1110n },
    ]);
    // The list, and one question for each of the two that are not in it.
    expect(stripe.requests.filter((path) => path === '/v1/invoice_payments')).toHaveLength(3);
  });

  it('takes off what a credit note gives and no refund has given', async () => {
    stripe.books.notes.push({
      id: 'cn_1',
      created: seconds('2026-10-09'),
      customer: 'cus_g',
      currency: 'usd',
      status: 'issued',
      total: 1190,
      total_excluding_tax: 1000,
      refunds: [{ amount_refunded: 595 }],
    });
    expect((await month('2026-10')).tenants).toEqual([
      { tenantId: 'globex', currency: 'USD', revenue: -500n, fees: 0n },
    ]);
  });

  it('keeps currencies apart, and says who is no tenant’s', async () => {
    const days = ['2026-10-01', '2026-10-01', '2026-11-01'] as const;
    stripe.books.invoices.push(
      invoice('in_1', 'cus_a', days, { net: 100 }),
      invoice('in_2', 'cus_a', days, { net: 50, currency: 'eur' }),
      invoice('in_3', 'cus_x', days, { net: 70 }),
    );
    const source = open();
    const found = await source.month('2026-10');
    expect(found.tenants.map(({ currency, revenue }) => [currency, revenue])).toEqual([
      ['USD', 100n],
      ['EUR', 50n],
    ]);
    expect(found.strangers).toBe(1);
    expect(source.notes()[0]).toContain('cus_x');
    source.close();
  });
});

describe('what Stripe is asked', () => {
  it('closed months are asked for once; one with an open invoice, and the running one, again', async () => {
    const days = ['2026-06-02', '2026-06-01', '2026-07-01'] as const;
    stripe.books.invoices.push(invoice('in_1', 'cus_a', days, { net: 100 }));
    await month('2026-06');
    const first = stripe.requests.length;
    expect((await month('2026-06')).tenants[0]?.revenue).toBe(100n);
    expect(stripe.requests.length).toBe(first);

    stripe.books.invoices.push(
      invoice('in_2', 'cus_a', ['2026-10-02', '2026-10-01', '2026-11-01'], { net: 7, status: 'open' }),
    );
    expect((await month('2026-10')).tenants[0]?.revenue).toBe(7n);
    for (const one of stripe.books.invoices) if (one.id === 'in_2') one['status'] = 'void';
    const later = { now: () => NOW + 7 * 3_600_000 };
    expect((await month('2026-10', later)).tenants).toEqual([]);
  });

  it('a fresh run asks again, and what it is told is kept', async () => {
    stripe.books.invoices.push(
      invoice('in_1', 'cus_a', ['2026-09-02', '2026-09-01', '2026-10-01'], { net: 100 }),
    );
    const revenue = async (more: Partial<StripeRevenueSettings> = {}) =>
      (await month('2026-09', more)).tenants[0]?.revenue;
    expect(await revenue()).toBe(100n);
    stripe.books.invoices.push(
      invoice('in_2', 'cus_a', ['2026-09-03', '2026-09-01', '2026-10-01'], { net: 11 }),
    );
    expect(await revenue()).toBe(100n);
    expect(await revenue({ fresh: true })).toBe(111n);
    expect(await revenue()).toBe(111n);
  });

  it('what another key was told is never used, nor a file that was cut short', async () => {
    const days = ['2026-06-02', '2026-06-01', '2026-07-01'] as const;
    stripe.books.invoices.push(invoice('in_1', 'cus_a', days, { net: 100 }));
    await month('2026-06');
    stripe.books.invoices.length = 0;
    expect((await month('2026-06', { apiKey: 'sk_test_other' })).tenants).toEqual([]);
    expect((await month('2026-06')).tenants[0]?.revenue).toBe(100n);
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), 'utf8');
      expect(text).not.toContain('sk_test');
      await writeFile(join(folder, name), text.slice(0, -2));
    }
    expect((await month('2026-06')).tenants).toEqual([]);
  });

  it('a read that is told to slow down is sent again; after a few times it is an error to run again', async () => {
    stripe.fail(2);
    expect((await month('2026-06')).tenants).toEqual([]);
    stripe.fail(1000);
    await expect(month('2026-07')).rejects.toMatchObject({ code: 'stripe_failed', retryable: true });
  });
});

describe('the arithmetic', () => {
  it('the parts of all months are the line, whatever its sign and length', () => {
    const months = Array.from({ length: 40 }, (_, i) =>
      new Date(Date.UTC(2025, i, 1)).toISOString().slice(0, 7),
    );
    const start = seconds('2025-02-01');
    fc.assert(
      fc.property(
        fc.bigInt(-(10n ** 9n), 10n ** 9n),
        fc.integer({ min: 0, max: 10 ** 7 }),
        fc.integer({ min: 0, max: 7 * 10 ** 7 }),
        (minor, offset, length) => {
          const line = {
            customer: 'c',
            currency: 'USD',
            minor,
            from: start + offset,
            to: start + offset + length,
          };
          return months.reduce((sum, name) => sum + earnedIn(name, line), 0n) === minor;
        },
      ),
    );
  });

  it('portions are rounded half away from zero', () => {
    expect([
      portion(5n, 1n, 2n),
      portion(-5n, 1n, 2n),
      portion(595n, 1000n, 1190n),
      portion(1n, 1n, 0n),
    ]).toEqual([3n, -3n, 500n, 0n]);
  });
});
