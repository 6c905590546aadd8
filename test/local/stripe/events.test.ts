import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stripeClient } from '../../../src/adapters/stripe/client.ts';
import { STAND_IN_KEY } from '../../../src/local/stripe/server.ts';
import { makeMeter, NOON, type OpenStripe, openStripe } from '../../fixtures/stripe.ts';

const HOUR = 3_600_000;
const DAY_S = 86_400;
const at = NOON / 1000;

let stripe: OpenStripe;
let customer: string;
let meterId: string;
beforeEach(async () => {
  stripe = await openStripe();
  customer = (await stripe.api.customers.create({ name: 'Acme' })).id;
  meterId = (await makeMeter(stripe.api)).id;
});
afterEach(() => stripe.close());

const send = (
  identifier: string,
  value: string,
  more: { timestamp?: number; event_name?: string; customer?: string } = {},
) =>
  stripe.api.billing.meterEvents.create({
    event_name: more.event_name ?? 'api_calls',
    identifier,
    payload: { stripe_customer_id: more.customer ?? customer, value },
    ...(more.timestamp === undefined ? {} : { timestamp: more.timestamp }),
  });

/** Status, type, code, parameter and message of a refusal. */
const refusal = (request: Promise<unknown>) =>
  request.then(
    () => 'taken',
    ({ statusCode, rawType, code, param, message }) => ({ statusCode, rawType, code, param, message }),
  );

const summaries = async (
  grouping?: 'day' | 'hour',
  start = at - (at % DAY_S) - 40 * DAY_S,
  end = at - (at % DAY_S) + DAY_S,
) => {
  const { data } = await stripe.api.billing.meters.listEventSummaries(meterId, {
    customer,
    start_time: start,
    end_time: end,
    ...(grouping === undefined ? {} : { value_grouping_window: grouping }),
  });
  return data.map((one) => [one.start_time, one.end_time, one.aggregated_value]);
};
const total = async () => (await summaries())[0]?.[2] ?? 0;

describe('a meter event', () => {
  it('counts once, and a second one with its identifier is refused in Stripe’s own words', async () => {
    expect(await send('e1', '5')).toMatchObject({
      object: 'billing.meter_event',
      identifier: 'e1',
      timestamp: at,
      payload: { value: '5' },
    });
    expect(await refusal(send('e1', '5'))).toEqual({
      statusCode: 400,
      rawType: 'invalid_request_error',
      code: undefined,
      param: undefined,
      message: 'An event already exists with identifier e1.',
    });
    expect(await total()).toBe(5);
  });

  it('is forgotten by its identifier after 24 hours, not before', async () => {
    await send('e1', '5', { timestamp: at });
    stripe.clock.advance(24 * HOUR - 1);
    expect(await refusal(send('e1', '5', { timestamp: at }))).toMatchObject({ statusCode: 400 });
    stripe.clock.advance(1);
    await send('e1', '5', { timestamp: at });
    expect(await total()).toBe(10);
  });

  it.each([
    ['35 days back', -35 * DAY_S, 'taken'],
    ['a second more', -35 * DAY_S - 1, { code: 'timestamp_too_far_in_past' }],
    ['5 minutes ahead', 300, 'taken'],
    ['a second later', 301, { code: 'timestamp_in_future' }],
  ])('stamped %s', async (_, offset, expected) => {
    const result = await refusal(send('e1', '1', { timestamp: at + offset }));
    if (typeof expected === 'string') expect(result).toBe(expected);
    else expect(result).toMatchObject({ statusCode: 400, ...expected });
  });

  it.each([
    ['123456789012345', 'taken'],
    ['0.00123456789012345', 'taken'],
    ['1234567890123456', 'meter_event_value_too_many_digits'],
    ['12345678901234.56', 'meter_event_value_too_many_digits'],
    ['many', 'meter_event_invalid_value'],
  ])('of %s', async (value, expected) => {
    const result = await refusal(send('e1', value));
    expect(typeof result === 'string' ? result : result.code).toBe(expected);
  });

  it('sums exactly, negative ones included', async () => {
    for (const [index, value] of ['0.1', '0.2', '1000000000.7', '-0.5'].entries())
      await send(`e${index}`, value);
    expect(stripe.standIn.totals()).toEqual([
      { mode: 'test', eventName: 'api_calls', customer, day: '2026-11-22', value: '1000000000.5' },
    ]);
  });

  it('for no meter, an inactive one or a stranger is refused', async () => {
    expect(await refusal(send('e1', '1', { event_name: 'nothing' }))).toMatchObject({ code: 'no_meter' });
    expect(await refusal(send('e1', '1', { customer: 'cus_nobody' }))).toMatchObject({
      code: 'resource_missing',
      message: "No such customer: 'cus_nobody'",
    });
    await stripe.api.customers.del(customer);
    expect(await refusal(send('e1', '1'))).toMatchObject({ code: 'resource_missing' });
    await stripe.api.billing.meters.deactivate(meterId);
    expect(await refusal(send('e1', '1'))).toMatchObject({ code: 'archived_meter' });
    expect(stripe.standIn.totals()).toEqual([]);
  });

  it('for a stranger is taken and never counted, where errors come later', async () => {
    stripe.standIn.control({ customerErrors: 'async' });
    await send('e1', '1', { customer: 'cus_nobody' });
    const { asyncErrors } = (await (await fetch(`${stripe.url}/_control`)).json()) as {
      asyncErrors: unknown[];
    };
    expect(asyncErrors).toMatchObject([{ code: 'meter_event_customer_not_found', identifier: 'e1' }]);
    expect(stripe.standIn.totals()).toEqual([]);
  });

  it('with a field that Stripe does not know is refused', async () => {
    const request = stripe.api.billing.meterEvents.create({
      event_name: 'api_calls',
      payload: { stripe_customer_id: customer, value: '1' },
      metadata: { a: 'b' },
    } as never);
    expect(await refusal(request)).toMatchObject({ code: 'parameter_unknown', param: 'metadata' });
  });

  it('can be cancelled for 24 hours', async () => {
    await send('e1', '5');
    await send('e2', '7');
    const cancel = (identifier: string) =>
      stripe.api.billing.meterEventAdjustments.create({
        event_name: 'api_calls',
        type: 'cancel',
        cancel: { identifier },
      });
    expect(await cancel('e1')).toMatchObject({ status: 'pending', cancel: { identifier: 'e1' } });
    expect(await total()).toBe(7);
    stripe.clock.advance(24 * HOUR + 1);
    expect(await refusal(cancel('e2'))).toMatchObject({ statusCode: 400 });
    expect(await total()).toBe(7);
  });
});

describe('summaries', () => {
  it('are one row, or one to each hour or day that has events', async () => {
    const midnight = at - (at % DAY_S);
    await send('e1', '1', { timestamp: midnight - 1 });
    await send('e2', '2', { timestamp: midnight });
    await send('e3', '4', { timestamp: midnight + 3600 });
    expect(await summaries()).toEqual([[midnight - 40 * DAY_S, midnight + DAY_S, 7]]);
    expect(await summaries('day')).toEqual([
      [midnight, midnight + DAY_S, 6],
      [midnight - DAY_S, midnight, 1],
    ]);
    expect(await summaries('hour')).toHaveLength(3);
  });

  it('lag by as much as is set', async () => {
    stripe.standIn.control({ lagMs: HOUR });
    await send('e1', '5');
    expect(await total()).toBe(0);
    stripe.clock.advance(HOUR);
    expect(await total()).toBe(5);
  });

  it.each([
    [undefined, 30, 'minute'],
    ['hour' as const, 60, 'hour'],
    ['day' as const, 3600, 'day'],
  ])('grouped by %s refuse what is not aligned', async (grouping, off, unit) => {
    const start = at - (at % DAY_S);
    const message = await summaries(grouping, start + off, start + DAY_S).then(
      String,
      (error) => error.message,
    );
    expect(message).toContain(`not aligned with ${unit} boundaries`);
  });
});

describe('idempotency keys', () => {
  const raw = (key: string, value: string) =>
    stripe.api.billing.meterEvents.create(
      { event_name: 'api_calls', payload: { stripe_customer_id: customer, value } },
      { idempotencyKey: key },
    );

  it('bring back the first answer, and refuse another request', async () => {
    const first = await raw('k1', '5');
    const second = await raw('k1', '5');
    expect(second.identifier).toBe(first.identifier);
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(await refusal(raw('k1', '6'))).toMatchObject({ rawType: 'idempotency_error' });
    expect(await total()).toBe(5);
  });

  it.each([
    ['error_before', 0],
    ['error_after', 5],
  ] as const)('bring back a stored 500 (%s), also when all is well again', async (kind, counted) => {
    stripe.standIn.control({ faults: [{ kind, path: '/v1/billing/meter_events' }] });
    expect(await refusal(raw('k1', '5'))).toMatchObject({ statusCode: 500 });
    expect(await refusal(raw('k1', '5'))).toMatchObject({ statusCode: 500 });
    expect(await total()).toBe(counted);
    await raw('k2', '7');
    expect(await total()).toBe(counted + 7);
  });
});

describe('limits', () => {
  it('two at once of one customer and meter: one gets 409; other customers do not wait', async () => {
    const other = (await stripe.api.customers.create({})).id;
    // All are there long before the first is answered.
    stripe.standIn.control({ latencyMs: 2_000 });
    const results = await Promise.all(
      [send('e1', '1'), send('e2', '1'), send('e3', '1', { customer: other })].map(refusal),
    );
    expect(results.map((one) => (typeof one === 'string' ? one : one.statusCode))).toEqual([
      'taken',
      409,
      'taken',
    ]);
  });

  it('over the rate comes 429, with Retry-After only where it was asked for', async () => {
    stripe.standIn.control({ perSecond: 0.0001, retryAfter: 3 });
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) => refusal(send(`e${index}`, '1'))),
    );
    const refused = results.filter((one) => typeof one !== 'string');
    expect(refused).toHaveLength(11);
    expect(refused[0]).toMatchObject({ statusCode: 429, code: 'rate_limit' });
    expect(stripe.standIn.answers()[200]).toBe(results.length - refused.length + 2);
  });

  it.each([
    ['revoked', 401],
    ['expired', 401],
    ['restricted', 403],
  ] as const)('a %s key gets %s and is not repeated', async (state, status) => {
    stripe.standIn.control({ keys: { sk_test_standin: state } });
    const result = await refusal(send('e1', '1'));
    expect(result).toMatchObject({ statusCode: status });
    expect(JSON.stringify(result)).not.toContain('sk_test_standin');
  });

  it('of the other mode sees none of this one’s', async () => {
    const live = stripeClient({ apiKey: STAND_IN_KEY.replace('test', 'live'), url: stripe.url });
    expect(await refusal(live.api.customers.retrieve(customer))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
    expect((await live.api.billing.meters.list()).data).toEqual([]);
    expect((await makeMeter(live.api)).livemode).toBe(true);
    live.close();
  });
});
