import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { stripeClient } from '../../../src/adapters/stripe/client.ts';
import { billingPeriods, endedSince } from '../../../src/adapters/stripe/customers.ts';
import { STAND_IN_KEY } from '../../../src/local/stripe/server.ts';
import { makeMeter, NOON, openStripe } from '../../fixtures/stripe.ts';

const DAY_S = 86_400;
const CYCLE = {
  object: 'invoice',
  billing_reason: 'subscription_cycle',
  parent: { type: 'subscription_details' },
  status: 'paid',
};

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** An account with these invoices and subscriptions, given out a page at a time as Stripe does: the newest first. */
async function account(invoices: readonly object[], subscriptions: readonly object[] = []) {
  const pages: string[] = [];
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://stripe.test');
    const isInvoices = pathname === '/v1/invoices';
    const all = (isInvoices ? invoices : subscriptions).map((one, at) => ({ id: `n${at}`, ...one }));
    const after = searchParams.get('starting_after');
    const rest = after === null ? all : all.slice(all.findIndex(({ id }) => id === after) + 1);
    if (isInvoices) pages.push(after ?? 'first');
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        object: 'list',
        url: pathname,
        data: rest.slice(0, 100),
        has_more: rest.length > 100,
      }),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { api, close } = stripeClient({ apiKey: STAND_IN_KEY, url });
  closers.push(close, () => {
    server.closeAllConnections();
    server.close();
  });
  return { api, pages };
}

describe('up to when a customer’s invoices are final', () => {
  it('the stand-in’s account: the last period that is over, not its draft', async () => {
    const stripe = await openStripe();
    closers.push(stripe.close);
    const { id: meter } = await makeMeter(stripe.api);
    const { id: product } = await stripe.api.products.create({ name: 'pro' });
    const { id: price } = await stripe.api.prices.create({
      product,
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter },
    });
    const { id: customer } = await stripe.api.customers.create({});
    await stripe.api.subscriptions.create({ customer, items: [{ price }] });
    expect(await billingPeriods(stripe.api, customer)).toEqual({ closedUntil: null, endedAt: null });
    stripe.clock.advance(70 * DAY_S * 1000);
    const closedUntil = Date.parse('2027-01-22T12:00:00Z') / 1000;
    expect(await billingPeriods(stripe.api, customer)).toEqual({ closedUntil, endedAt: null });
  });

  it('whose subscription ended is found for all customers at once', async () => {
    const stripe = await openStripe();
    closers.push(stripe.close);
    const { id: price } = await stripe.api.prices.create({
      product: (await stripe.api.products.create({ name: 'pro' })).id,
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter: (await makeMeter(stripe.api)).id },
    });
    const subscribe = async () => {
      const { id: customer } = await stripe.api.customers.create({});
      return stripe.api.subscriptions.create({ customer, items: [{ price }] });
    };
    const [before, kept, ended] = [await subscribe(), await subscribe(), await subscribe()];
    await stripe.api.subscriptions.cancel(before.id);
    stripe.clock.advance(DAY_S * 1000);
    const today = NOON / 1000 + DAY_S / 2;
    await stripe.api.subscriptions.cancel(ended.id);
    expect(await endedSince(stripe.api, today)).toEqual(new Set([ended.customer]));
    expect(await endedSince(stripe.api, 0)).toEqual(new Set([before.customer, ended.customer]));
    expect(kept.ended_at).toBeNull();
  });

  it.each([
    ['written by hand', { billing_reason: 'manual', parent: null }],
    ['for an upgrade', { billing_reason: 'subscription_update' }],
    ['a draft', { status: 'draft' }],
  ])('one %s closes nothing', async (_, more) => {
    const at = NOON / 1000;
    const { api } = await account([
      { ...CYCLE, created: at, period_end: at, ...more },
      { ...CYCLE, created: at - 20 * DAY_S, period_end: at - 20 * DAY_S },
    ]);
    expect((await billingPeriods(api, 'cus_1')).closedUntil).toBe(at - 20 * DAY_S);
  });

  it('is found behind a hundred others, and the pages behind it are left', async () => {
    const manual = { ...CYCLE, billing_reason: 'manual', parent: null };
    const at = NOON / 1000;
    const invoices = Array.from({ length: 400 }, (_, n) => ({
      ...(n === 150 ? CYCLE : manual),
      created: at - n,
      period_end: at - n,
    }));
    const { api, pages } = await account(invoices);
    expect((await billingPeriods(api, 'cus_1')).closedUntil).toBe(at - 150);
    expect(pages).toEqual(['first', 'n99']);
  });

  it('one subscription of many that runs is enough: it has not ended', async () => {
    const ended = Array.from({ length: 120 }, () => ({ object: 'subscription', ended_at: 5 }));
    const { api } = await account([], [...ended, { object: 'subscription', ended_at: null }]);
    expect((await billingPeriods(api, 'cus_1')).endedAt).toBeNull();
    const { api: other } = await account([], ended);
    expect((await billingPeriods(other, 'cus_1')).endedAt).toBe(5);
  });
});
