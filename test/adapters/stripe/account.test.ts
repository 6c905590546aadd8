import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stripeAccount } from '../../../src/adapters/stripe/account.ts';
import type { PriceTerms } from '../../../src/adapters/stripe/setup.ts';
import type { StripeAccount } from '../../../src/core/billing/stripe-account.ts';
import { STAND_IN_KEY } from '../../../src/local/stripe/server.ts';
import { CALLS, makeMeter, type OpenStripe, openStripe } from '../../fixtures/stripe.ts';

let stripe: OpenStripe;
const opened: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  stripe = await openStripe();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await stripe.close();
});

const PRO: PriceTerms = { currency: 'usd', unitAmount: '0.25' };

function account(terms: PriceTerms = PRO, trace: ((line: string) => void) | null = null): StripeAccount {
  const wanted = { meters: [CALLS], prices: { pro: { api_calls: terms } } };
  const one = stripeAccount({ apiKey: STAND_IN_KEY, url: stripe.url, mode: 'test', wanted, trace });
  opened.push(one);
  return one;
}

const actions = (steps: readonly { kind: string; action: string }[]) =>
  steps.map(({ kind, action }) => `${kind} ${action}`);

async function setUp(terms?: PriceTerms) {
  const at = account(terms);
  return at.applySetup(await at.planSetup());
}

describe('setting Stripe up', () => {
  it('plans without touching anything, then makes what is missing, then nothing', async () => {
    expect(actions(await account().planSetup())).toEqual(['meter create', 'product create', 'price create']);
    expect((await stripe.api.billing.meters.list()).data).toEqual([]);
    const steps = await setUp();
    expect(steps.map(({ kind, name, id }) => [kind, name, id?.split('_')[0]])).toEqual([
      ['meter', 'api_calls', 'mtr'],
      ['product', 'pro/api_calls', 'saasctl'],
      ['price', 'pro/api_calls', 'price'],
    ]);
    expect(actions(await account().planSetup())).toEqual(['meter none', 'product none', 'price none']);
    expect(await setUp()).toEqual(steps.map((step) => ({ ...step, action: 'none' })));
    const [price] = (await stripe.api.prices.list()).data;
    expect(price).toMatchObject({
      recurring: { usage_type: 'metered', meter: steps[0]?.id },
      currency: 'usd',
    });
    expect(price?.unit_amount_decimal?.toString()).toBe('0.25');
  });

  it('other terms become a new price, which takes the key; the old one stays as it was', async () => {
    const old = (await setUp())[2]?.id;
    const tiers = [
      { upTo: 1000, unitAmount: '0' },
      { upTo: null, unitAmount: '0.1', flatAmount: '50' },
    ];
    const [, , step] = await setUp({ currency: 'usd', tiers });
    expect(step).toMatchObject({ action: 'replace', detail: '2 tiers, usd' });
    expect(step?.id).not.toBe(old);
    const found = await stripe.api.prices.list({
      lookup_keys: ['saasctl_pro_api_calls'],
      expand: ['data.tiers'],
    });
    expect(found.data.map(({ id, tiers: made }) => [id, made?.map(({ up_to: upTo }) => upTo)])).toEqual([
      [step?.id, [1000, null]],
    ]);
    expect(await stripe.api.prices.retrieve(old ?? '')).toMatchObject({ active: true, lookup_key: null });
    expect(actions(await account({ currency: 'usd', tiers }).planSetup())).toEqual([
      'meter none',
      'product none',
      'price none',
    ]);
  });

  it('wakes an inactive meter up, and leaves one of another kind to people', async () => {
    const { id } = await makeMeter(stripe.api);
    await stripe.api.billing.meters.deactivate(id);
    expect((await setUp())[0]).toMatchObject({ action: 'activate', id });
    expect(await stripe.api.billing.meters.retrieve(id)).toMatchObject({ status: 'active' });
    await stripe.api.billing.meters.deactivate(id);
    await makeMeter(stripe.api, 'api_calls', 'count');
    await expect(account().planSetup()).rejects.toMatchObject({ code: 'meter_formula', exitCode: 2 });
  });

  it('two at once make one meter and one product, and the next run finds nothing to do', async () => {
    const both = [account(), account()];
    const plans = await Promise.all(both.map((one) => one.planSetup()));
    const made = await Promise.all(both.map((one, n) => one.applySetup(plans[n] ?? [])));
    expect(made[0]?.[0]?.id).toBe(made[1]?.[0]?.id);
    expect((await stripe.api.billing.meters.list()).data).toHaveLength(1);
    expect((await stripe.api.products.list()).data).toHaveLength(1);
    expect(actions(await account().planSetup())).toEqual(['meter none', 'product none', 'price none']);
  });

  it('cut off in the middle, it goes on where it was', async () => {
    stripe.standIn.control({ faults: [{ kind: 'drop_after', path: '/v1/products', method: 'POST' }] });
    await expect(setUp()).rejects.toMatchObject({ code: 'stripe_failed', exitCode: 6, retryable: true });
    expect(actions(await account().planSetup())).toEqual(['meter none', 'product none', 'price create']);
    await setUp();
    expect(actions(await account().planSetup())).toEqual(['meter none', 'product none', 'price none']);
  });

  it('a price without a meter is a mistake in saasctl.json', async () => {
    const wanted = { meters: [], prices: { pro: { api_calls: PRO } } };
    const one = stripeAccount({ apiKey: STAND_IN_KEY, url: stripe.url, mode: 'test', wanted });
    opened.push(one);
    await expect(one.planSetup()).rejects.toMatchObject({ code: 'price_without_meter', exitCode: 2 });
  });

  it('is traced without what is asked for', async () => {
    const lines: string[] = [];
    await account(PRO, (line) => lines.push(line)).customerFor({ tenantId: 'acme', name: 'Acme' });
    expect(lines).toEqual([
      expect.stringMatching(/^debug: Stripe GET \/v1\/customers\/search 200 req_\w+ \d+ ms$/),
      expect.stringMatching(/^debug: Stripe POST \/v1\/customers 200 req_\w+ \d+ ms$/),
    ]);
  });
});

describe('a tenant’s customer', () => {
  const acme = { tenantId: 'acme', name: 'Acme' };

  it('is made once and found again', async () => {
    const first = await account().customerFor(acme);
    expect(first.created).toBe(true);
    expect(await account().customerFor(acme)).toEqual({ customer: first.customer, created: false });
    expect((await account().customerFor({ tenantId: 'beta', name: 'Beta' })).customer).not.toBe(
      first.customer,
    );
  });

  it('is the same one where the first answer was lost', async () => {
    stripe.standIn.control({ faults: [{ kind: 'drop_after', path: '/v1/customers', method: 'POST' }] });
    await expect(account().customerFor(acme)).rejects.toMatchObject({ retryable: true });
    await account().customerFor(acme);
    expect((await stripe.api.customers.list()).data).toHaveLength(1);
  });

  it('is a question for people where there are two', async () => {
    for (let n = 0; n < 2; n++) await stripe.api.customers.create({ metadata: { saasctl_tenant: 'acme' } });
    await expect(account().customerFor(acme)).rejects.toMatchObject({
      code: 'several_customers',
      exitCode: 5,
    });
  });
});

describe('the next invoice', () => {
  it('is shown in whole and exact minor units', async () => {
    await setUp();
    const { customer } = await account().customerFor({ tenantId: 'acme', name: 'Acme' });
    const [price] = (await stripe.api.prices.list()).data;
    expect(await account().preview(customer)).toBeNull();
    await stripe.api.subscriptions.create({ customer, items: [{ price: price?.id ?? '' }] });
    await stripe.api.billing.meterEvents.create({
      event_name: 'api_calls',
      payload: { stripe_customer_id: customer, value: '5' },
    });
    expect(await account().preview(customer)).toMatchObject({
      customer,
      total: { minor: 1, currency: 'usd', exact: '1.25' },
      periodStart: '2026-11-22T12:00:00.000Z',
      periodEnd: '2026-12-22T12:00:00.000Z',
      lines: [{ quantity: '5', amount: { minor: 1, exact: '1.25' } }],
    });
  });

  it('of a customer that is gone says so', async () => {
    await expect(account().preview('cus_nobody')).rejects.toMatchObject({ code: 'stripe_refused' });
  });
});
