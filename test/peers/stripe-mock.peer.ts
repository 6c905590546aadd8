// Every request that the tool sends to Stripe, at a server that checks it against Stripe's OpenAPI.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stripeAccount } from '../../src/adapters/stripe/account.ts';
import { stripeClient } from '../../src/adapters/stripe/client.ts';
import { stripeSink } from '../../src/adapters/stripe/sink.ts';
import { STAND_IN_KEY, type StripeStandIn, startStripeStandIn } from '../../src/local/stripe/server.ts';
import { CALLS, TODAY, usageEvent } from '../fixtures/stripe.ts';
import { startStripeMock } from './stripe-mock.ts';

const KEY = 'sk_test_123';

interface Asked {
  /** Method and path, ids taken out. */
  call: string;
  status: number;
  said: string;
}

let mock: Awaited<ReturnType<typeof startStripeMock>>;
let standIn: StripeStandIn;
let proxy: Server;
let url: string;
const asked: Asked[] = [];

/** Each request goes to the stand-in, which plays Stripe, and to stripe-mock, which says whether it may. */
beforeAll(async () => {
  mock = await startStripeMock();
  standIn = await startStripeStandIn({ storeDir: null });
  proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = 'GET', url: path = '/' } = request;
    const body = method === 'GET' ? null : Buffer.concat(chunks);
    const to = async (base: string, key: string) => {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/x-www-form-urlencoded',
        'idempotency-key': String(request.headers['idempotency-key'] ?? Math.random()),
      };
      const answer = await fetch(`${base}${path}`, { method, headers, body });
      return { status: answer.status, text: await answer.text() };
    };
    const checked = await to(mock.url, KEY);
    const call = `${method} ${(path.split('?')[0] ?? '').replace(/(mtr|cus|price|prod|sub)_\w+/g, ':')}`;
    asked.push({ call, status: checked.status, said: checked.text });
    const answer = await to(standIn.url, STAND_IN_KEY);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text);
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});

afterAll(async () => {
  proxy?.closeAllConnections();
  await new Promise<void>((closed) => (proxy === undefined ? closed() : proxy.close(() => closed())));
  await standIn?.stop();
  await mock?.stop();
});

const refused = (): Asked[] => asked.filter(({ status }) => status >= 400);

describe('what we send is what Stripe’s OpenAPI takes', () => {
  it('setup, customers, events, totals, periods and previews', async () => {
    const tiers = [
      { upTo: 1000, unitAmount: '0', flatAmount: '50' },
      { upTo: null, unitAmount: '0.123456789012' },
    ];
    const wanted = {
      meters: [CALLS],
      prices: {
        pro: { api_calls: { currency: 'usd', tiers } },
        free: { api_calls: { currency: 'usd', unitAmount: '0.5' } },
      },
    };
    const account = stripeAccount({ apiKey: KEY, url, mode: 'test', wanted });
    await account.applySetup(await account.planSetup());
    const direct = stripeClient({ apiKey: KEY, url });
    const [meter] = (await direct.api.billing.meters.list()).data;
    await direct.api.billing.meters.deactivate(meter?.id ?? '');
    await direct.api.products.update('saasctl_pro_api_calls', { active: false });
    await account.applySetup(await account.planSetup());
    const { customer } = await account.customerFor({ tenantId: 'acme', name: 'Acme' });
    const [price] = (await direct.api.prices.list()).data;
    await direct.api.subscriptions.create({
      customer,
      items: [{ price: price?.id ?? '' }],
      billing_cycle_anchor_config: { day_of_month: 1, hour: 0, minute: 0, second: 0 },
    });
    const sink = stripeSink({ apiKey: KEY, url, mode: 'test' });
    expect(await sink.preflight([CALLS], Date.now())).toEqual([]);
    const now = Math.floor(Date.now() / 1000);
    expect(await sink.deliver([usageEvent('e1', customer, 5, { timestamp: now })])).toEqual([
      { kind: 'delivered' },
    ]);
    await sink.total({ customer, tenantId: 'acme', meter: CALLS, day: TODAY });
    await sink.periods?.(customer);
    await sink.ended?.(now - 3600);
    await account.preview(customer);
    for (const one of [account, sink]) await one.close();
    direct.close();

    expect(refused()).toEqual([]);
    expect([...new Set(asked.map(({ call }) => call))].sort()).toEqual([
      'GET /v1/account',
      'GET /v1/billing/meters',
      'GET /v1/billing/meters/:/event_summaries',
      'GET /v1/customers/search',
      'GET /v1/events',
      'GET /v1/invoices',
      'GET /v1/prices',
      'GET /v1/products',
      'GET /v1/subscriptions',
      'POST /v1/billing/meter_events',
      'POST /v1/billing/meters',
      'POST /v1/billing/meters/:/deactivate',
      'POST /v1/billing/meters/:/reactivate',
      'POST /v1/customers',
      'POST /v1/invoices/create_preview',
      'POST /v1/prices',
      'POST /v1/products',
      'POST /v1/products/saasctl_pro_api_calls',
      'POST /v1/subscriptions',
    ]);
  });

  it.each<[string, (api: Stripe) => Promise<unknown>, string]>([
    [
      'a field that it does not know',
      (api) => api.billing.meterEvents.create(event({ action: 'set' })),
      'additional properties',
    ],
    [
      'an event without payload',
      (api) => api.billing.meterEvents.create(event({ payload: undefined })),
      'payload',
    ],
    [
      'a meter of no known formula',
      (api) =>
        api.billing.meters.create({
          display_name: 'x',
          event_name: 'x',
          default_aggregation: { formula: 'max' },
        }),
      'formula',
    ],
    [
      'summaries of nobody',
      (api) => api.billing.meters.listEventSummaries('mtr_1', { start_time: 0, end_time: 60 } as never),
      'customer',
    ],
  ])('and %s would have been seen, by the stand-in, too', async (_, request, named) => {
    const { api, close } = stripeClient({ apiKey: KEY, url });
    await expect(request(api)).rejects.toMatchObject({ statusCode: expect.any(Number) });
    expect(refused().at(-1)?.said).toContain(named);
    close();
  });
});

const event = (more: object): never =>
  ({ event_name: 'x', payload: { stripe_customer_id: 'cus_1', value: '1' }, ...more }) as never;
