import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeMeter, NOON, type OpenStripe, openStripe } from '../../fixtures/stripe.ts';

const decimal = Stripe.Decimal.from;
const at = NOON / 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let stripe: OpenStripe;
let api: Stripe;
beforeEach(async () => {
  stripe = await openStripe();
  api = stripe.api;
});
afterEach(() => stripe.close());

const message = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => 'taken',
    (error: Error) => error.message,
  );

describe('meters', () => {
  it('are listed a page at a time, and no two active ones have a name', async () => {
    for (let n = 0; n < 23; n++) await makeMeter(api, `meter_${n}`);
    const { data, has_more: more } = await api.billing.meters.list({ limit: 20 });
    expect([data.length, more, data[0]?.event_name]).toEqual([20, true, 'meter_22']);
    const all = [];
    for await (const meter of api.billing.meters.list({ limit: 10 })) all.push(meter.event_name);
    expect(all).toEqual(Array.from({ length: 23 }, (_, n) => `meter_${22 - n}`));
    expect(await message(makeMeter(api, 'meter_7'))).toContain('already exists');
  });

  it('can be renamed, put to rest and woken up', async () => {
    const { id } = await makeMeter(api);
    expect(await api.billing.meters.update(id, { display_name: 'Calls' })).toMatchObject({
      display_name: 'Calls',
    });
    expect(await api.billing.meters.deactivate(id)).toMatchObject({
      status: 'inactive',
      status_transitions: { deactivated_at: at },
    });
    await makeMeter(api);
    expect(await message(api.billing.meters.reactivate(id))).toContain('already exists');
    expect((await api.billing.meters.list({ status: 'inactive' })).data.map((one) => one.id)).toEqual([id]);
  });
});

describe('customers', () => {
  it('are found by metadata, e-mail or id, until they are deleted', async () => {
    const { id } = await api.customers.create({
      name: 'Acme',
      email: 'a@b.test',
      metadata: { tenant: 'acme' },
    });
    await api.customers.create({ metadata: { tenant: 'beta' } });
    const search = async (query: string) => (await api.customers.search({ query })).data.map((one) => one.id);
    expect(await search('metadata["tenant"]:"acme"')).toEqual([id]);
    expect(await search("name:'Acme' AND email:'a@b.test'")).toEqual([id]);
    expect((await api.customers.list({ email: 'a@b.test' })).data).toHaveLength(1);
    await api.customers.del(id);
    expect(await api.customers.retrieve(id)).toMatchObject({ deleted: true });
    expect(await search('metadata["tenant"]:"acme"')).toEqual([]);
    expect(await message(api.customers.update(id, { name: 'A' }))).toBe(`No such customer: '${id}'`);
  });
});

const metered = (product: string, meter: string, more: Partial<Stripe.PriceCreateParams>) =>
  api.prices.create({
    product,
    currency: 'usd',
    recurring: { interval: 'month', usage_type: 'metered', meter },
    ...more,
  });

describe('prices', () => {
  it('have a lookup key that moves only where that is asked for', async () => {
    const product = (await api.products.create({ name: 'Calls' })).id;
    const meter = (await makeMeter(api)).id;
    const first = await metered(product, meter, {
      unit_amount_decimal: decimal('0.25'),
      lookup_key: 'calls',
    });
    expect(first).toMatchObject({ lookup_key: 'calls', unit_amount: null });
    expect(first.unit_amount_decimal?.toString()).toBe('0.25');
    const second = { unit_amount_decimal: decimal('3'), lookup_key: 'calls' };
    expect(await message(metered(product, meter, second))).toContain('already uses that lookup key');
    const { id } = await metered(product, meter, { ...second, transfer_lookup_key: true });
    expect((await api.prices.list({ lookup_keys: ['calls'] })).data.map((one) => one.id)).toEqual([id]);
    expect((await api.prices.retrieve(first.id)).lookup_key).toBeNull();
  });

  it('that are metered need a meter, and tiers an open end', async () => {
    const product = (await api.products.create({ name: 'Calls' })).id;
    const recurring = { interval: 'month', usage_type: 'metered' } as const;
    const create = (more: object) =>
      message(api.prices.create({ product, currency: 'usd', recurring, ...more }));
    expect(await create({ unit_amount: 1 })).toContain('backed by a meter');
    const meter = (await makeMeter(api)).id;
    const tiered = { recurring: { ...recurring, meter }, billing_scheme: 'tiered', tiers_mode: 'graduated' };
    expect(await create({ ...tiered, tiers: [{ up_to: 10, unit_amount: 1 }] })).toContain('up_to to inf');
    expect(
      await create({ recurring: { ...recurring, meter }, unit_amount_decimal: decimal('0.1234567890123') }),
    ).toContain('twelve decimal places');
  });
});

describe('the next invoice', () => {
  let customer: string;
  let meter: string;
  beforeEach(async () => {
    customer = (await api.customers.create({})).id;
    meter = (await makeMeter(api)).id;
  });
  const subscribe = async (more: Partial<Stripe.PriceCreateParams>) => {
    const product = (await api.products.create({ name: 'Calls' })).id;
    const { id } = await metered(product, meter, more);
    return api.subscriptions.create({
      customer,
      items: [{ price: id }],
      billing_cycle_anchor_config: { day_of_month: 1, hour: 0, minute: 0, second: 0 },
    });
  };
  const use = (value: string, timestamp?: number) =>
    api.billing.meterEvents.create({
      event_name: 'api_calls',
      payload: { stripe_customer_id: customer, value },
      ...(timestamp === undefined ? {} : { timestamp }),
    });

  it('carries the period’s usage at its price, rounded once', async () => {
    const { items } = await subscribe({ unit_amount_decimal: decimal('0.5') });
    expect(items.data[0]).toMatchObject({
      current_period_start: at,
      current_period_end: Date.UTC(2026, 11, 1) / 1000,
    });
    await use('3');
    await use('2');
    await use('1000', at - 1);
    const { total, lines } = await api.invoices.createPreview({ customer });
    expect(total).toBe(3);
    expect(lines.data.map((line) => [line.quantity, line.amount])).toEqual([[5, 3]]);
  });

  it('charges tier by tier, with the fees of those that were reached', async () => {
    await subscribe({
      billing_scheme: 'tiered',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 1000, unit_amount_decimal: decimal('0') },
        { up_to: 2000, unit_amount_decimal: decimal('0.3'), flat_amount_decimal: decimal('50') },
        { up_to: 'inf', unit_amount_decimal: decimal('0.1') },
      ],
    });
    await use('2500');
    const { total, lines } = await api.invoices.createPreview({ customer });
    expect(lines.data.map((line) => line.amount)).toEqual([0, 300, 50, 50]);
    expect(total).toBe(400);
  });

  it('is none without a subscription', async () => {
    expect(await message(api.invoices.createPreview({ customer }))).toContain('No upcoming invoices');
  });

  it('becomes a draft at the period’s end, which late usage reaches for an hour', async () => {
    await subscribe({ unit_amount_decimal: decimal('1') });
    const end = Date.UTC(2026, 11, 1);
    await use('5');
    stripe.clock.set(end + HOUR / 2);
    await use('7', end / 1000 - 60);
    const statuses = async () =>
      (await api.invoices.list({ customer })).data.map((one) => [one.status, one.total]);
    expect(await statuses()).toEqual([['draft', 12]]);
    stripe.clock.set(end + 2 * HOUR);
    await use('100', end / 1000 - 60);
    expect(await statuses()).toEqual([['paid', 12]]);
    stripe.clock.set(end + 40 * DAY);
    expect(await statuses()).toEqual([
      ['paid', 0],
      ['paid', 12],
    ]);
  });
});

describe('faults', () => {
  const create = () => message(api.customers.create({ name: 'x' }, { idempotencyKey: `k${Math.random()}` }));
  const count = async () => (await api.customers.list()).data.length;

  it.each([
    ['drop_before', 0],
    ['drop_after', 1],
    ['html_before', 0],
    ['html_after', 1],
    ['empty_before', 0],
    ['empty_after', 1],
    ['error_before', 0],
    ['error_after', 1],
    ['unavailable', 0],
  ] as const)('%s leaves %i behind', async (kind, made) => {
    stripe.standIn.control({ faults: [{ kind, method: 'POST' }] });
    expect(await create()).not.toBe('taken');
    expect(await count()).toBe(made);
    expect(await create()).toBe('taken');
  });

  it('meet the requests that they are meant for, as often as is said', async () => {
    const set = await fetch(`${stripe.url}/_control`, {
      method: 'POST',
      body: JSON.stringify({
        faults: [{ kind: 'unavailable', path: '/v1/customers', method: 'POST', skip: 1, times: 2 }],
      }),
    });
    expect(set.status).toBe(200);
    const outcomes = [];
    for (let n = 0; n < 5; n++) outcomes.push((await create()) === 'taken');
    expect(outcomes).toEqual([true, false, false, true, true]);
    const wrong = await fetch(`${stripe.url}/_control`, { method: 'POST', body: '{"fault":1}' });
    expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('no setting')]);
  });
});
