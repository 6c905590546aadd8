import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TransportError, type TransportFailure } from '../../../src/adapters/http-once.ts';
import { stripeError } from '../../../src/adapters/stripe/errors.ts';
import { stripeSink } from '../../../src/adapters/stripe/sink.ts';
import type { Delivery, Meter, Sink } from '../../../src/core/billing/sink.ts';
import type { Fault } from '../../../src/local/stripe/control.ts';
import { STAND_IN_KEY } from '../../../src/local/stripe/server.ts';
import {
  CALLS,
  makeMeter,
  NOON,
  type OpenStripe,
  openStripe,
  TODAY,
  usageEvent,
} from '../../fixtures/stripe.ts';

const DAY_S = 86_400;

let stripe: OpenStripe;
let sink: Sink;
let customer: string;
beforeEach(async () => {
  stripe = await openStripe();
  sink = patient();
  customer = (await stripe.api.customers.create({})).id;
});
afterEach(async () => {
  await sink.close();
  await stripe.close();
});

/** Waits for whatever comes. */
const patient = () => stripeSink({ apiKey: STAND_IN_KEY, url: stripe.url, mode: 'test', timeoutMs: 60_000 });
/** For an answer that never comes. */
const impatient = () => stripeSink({ apiKey: STAND_IN_KEY, url: stripe.url, mode: 'test', timeoutMs: 1_000 });

const deliver = async (
  id: string,
  more: Parameters<typeof usageEvent>[3] = {},
  value = 5,
): Promise<Delivery> => (await sink.deliver([usageEvent(id, customer, value, more)]))[0] as Delivery;
const counted = () => stripe.standIn.totals().map(({ value }) => value);
const faults = (...kinds: Fault['kind'][]) =>
  stripe.standIn.control({ faults: kinds.map((kind) => ({ kind, path: '/v1/billing/meter_events' })) });

describe('what becomes of an event', () => {
  beforeEach(() => makeMeter(stripe.api));

  it('is counted with its own value, customer and time', async () => {
    const compute: Meter = { metric: 'compute_seconds', eventName: 'api_calls', measure: 'sum', scale: 3 };
    expect(await deliver('e1', { meter: compute, timestamp: NOON / 1000 - DAY_S }, 1500)).toEqual({
      kind: 'delivered',
    });
    expect(stripe.standIn.totals()).toMatchObject([{ customer, day: '2026-11-21', value: '1.5' }]);
  });

  it('a second time is delivered and not counted', async () => {
    expect(await deliver('e1')).toEqual({ kind: 'delivered' });
    expect(await deliver('e1')).toEqual({ kind: 'delivered' });
    expect(counted()).toEqual(['5']);
  });

  it.each<[Fault['kind'], Partial<Delivery>, boolean]>([
    ['drop_before', { kind: 'ambiguous', reason: 'reset' }, false],
    ['drop_after', { kind: 'ambiguous', reason: 'reset' }, true],
    ['hang_before', { kind: 'ambiguous', reason: 'timeout' }, false],
    ['hang_after', { kind: 'ambiguous', reason: 'timeout' }, true],
    ['error_before', { kind: 'ambiguous', reason: 'server_error' }, false],
    ['error_after', { kind: 'ambiguous', reason: 'server_error' }, true],
    ['unavailable', { kind: 'ambiguous', reason: 'server_error' }, false],
    ['html_before', { kind: 'ambiguous', reason: 'unparsable' }, false],
    ['html_after', { kind: 'ambiguous', reason: 'unparsable' }, true],
    ['empty_before', { kind: 'ambiguous', reason: 'unparsable' }, false],
    ['empty_after', { kind: 'ambiguous', reason: 'unparsable' }, true],
    ['duplicate', { kind: 'delivered' }, true],
  ])('%s: %o, and one attempt more settles it', async (kind, expected, isCounted) => {
    faults(kind);
    if (kind.startsWith('hang')) sink = impatient();
    expect(await deliver('e1')).toMatchObject(expected);
    if (kind.startsWith('hang')) sink = patient();
    expect(counted()).toEqual(isCounted ? ['5'] : []);
    expect(await deliver('e1')).toEqual({ kind: 'delivered' });
    expect(counted()).toEqual(['5']);
  });

  it('of a failure at Stripe says the status', async () => {
    faults('error_before');
    expect(await deliver('e1')).toMatchObject({ message: expect.stringMatching(/^Stripe answered 500: ./) });
  });

  it('is one request an attempt, whatever is cut off, on kept connections, too', async () => {
    await deliver('e0');
    const seen = await connections(async (url, requests) => {
      const once = stripeSink({ apiKey: STAND_IN_KEY, url, mode: 'test' });
      const [delivery] = await once.deliver([usageEvent('e1', customer, 1)]);
      expect(delivery).toMatchObject({ kind: 'ambiguous', reason: 'reset' });
      await once.close();
      return requests();
    });
    expect(seen).toBe(1);
  });

  it('which the SDK alone would not keep to: it sends again, with retries switched off', async () => {
    const seen = await connections(async (url, requests) => {
      const { hostname: host, port } = new URL(url);
      const bare = new Stripe(STAND_IN_KEY, { maxNetworkRetries: 0, host, port, protocol: 'http' });
      await bare.billing.meterEvents.create({ event_name: 'x', payload: {} }).catch(() => null);
      return requests();
    });
    expect(seen).toBe(2);
  });

  it('goes with another idempotency key each time, or a stored 500 would stay for a day', async () => {
    faults('error_before');
    await deliver('e1');
    expect(await deliver('e1')).toEqual({ kind: 'delivered' });
    // The same with the identifier as key: for ever the failure of the first attempt.
    faults('error_before');
    const fixed = () =>
      stripe.api.billing.meterEvents
        .create(
          {
            event_name: 'api_calls',
            identifier: 'e2',
            payload: { stripe_customer_id: customer, value: '1' },
          },
          { idempotencyKey: 'e2' },
        )
        .then(
          () => 200,
          ({ statusCode }) => statusCode,
        );
    expect([await fixed(), await fixed()]).toEqual([500, 500]);
  });

  it('is worth another attempt where nobody listens, over the rate, and in a conflict', async () => {
    const nobody = stripeSink({ apiKey: STAND_IN_KEY, url: 'http://127.0.0.1:9', mode: 'test' });
    expect(await nobody.deliver([usageEvent('e1', customer, 1)])).toMatchObject([
      { kind: 'retry', reason: 'unreachable' },
    ]);
    await nobody.close();
    stripe.standIn.control({ perSecond: 0.0001, retryAfter: 7 });
    expect(await deliver('e1')).toEqual({ kind: 'delivered' });
    expect(await deliver('e2')).toMatchObject({ kind: 'retry', reason: 'rate', afterMs: 7_000 });
    // Both are there long before the first is answered.
    stripe.standIn.control({ perSecond: null, latencyMs: 2_000 });
    const other = patient();
    const [a, [b]] = await Promise.all([deliver('e3'), other.deliver([usageEvent('e4', customer, 1)])]);
    expect([a, b].filter((one) => one?.kind === 'delivered')).toHaveLength(1);
    expect([a, b]).toContainEqual(expect.objectContaining({ kind: 'retry', reason: 'conflict' }));
    await other.close();
  });

  it('waits within a batch for the one before it of the same customer and meter', async () => {
    stripe.standIn.control({ latencyMs: 20 });
    const batch = ['e1', 'e2', 'e3'].map((id) => usageEvent(id, customer, 1));
    expect(await sink.deliver(batch)).toEqual(batch.map(() => ({ kind: 'delivered' })));
  });

  it.each<[string, () => Promise<unknown>, Parameters<typeof usageEvent>[3], string]>([
    ['the customer was deleted', () => stripe.api.customers.del(customer), {}, 'customer_gone'],
    ['the customer is none', async () => null, { customer: 'cus_nobody' }, 'customer_gone'],
    ['the meter is another’s', async () => null, { meter: { ...CALLS, eventName: 'other' } }, 'meter_gone'],
    ['the meter is inactive', deactivate, {}, 'meter_gone'],
    ['it is too old', async () => null, { timestamp: NOON / 1000 - 36 * DAY_S }, 'too_old'],
    ['it is of tomorrow', async () => null, { timestamp: NOON / 1000 + DAY_S }, 'invalid'],
    ['it has too many digits', async () => null, { value: 1234567890123456 }, 'invalid'],
    [
      'the key was revoked',
      async () => stripe.standIn.control({ keys: { [STAND_IN_KEY]: 'revoked' } }),
      {},
      'unauthorized',
    ],
    [
      'the key may not',
      async () => stripe.standIn.control({ keys: { [STAND_IN_KEY]: 'restricted' } }),
      {},
      'unauthorized',
    ],
  ])('%s: refused, nothing counted', async (_, prepare, more, reason) => {
    await prepare();
    const delivery = await deliver('e1', more);
    expect(delivery).toMatchObject({ kind: 'rejected', reason });
    expect(JSON.stringify(delivery)).not.toContain(STAND_IN_KEY);
    expect(counted()).toEqual([]);
  });

  it.each([
    [{ code: 'duplicate_meter_event', message: 'x', type: 'invalid_request_error' }, 'delivered'],
    [{ code: 'resource_already_exists', message: 'x', type: 'invalid_request_error' }, 'delivered'],
    [{ message: 'An event already exists with identifier e1.', type: 'invalid_request_error' }, 'delivered'],
    [{ message: 'The meter already exists', type: 'invalid_request_error' }, 'rejected'],
  ])('%o is %s', async (error, kind) => {
    const url = await answering(400, JSON.stringify({ error }));
    const spoken = stripeSink({ apiKey: STAND_IN_KEY, url, mode: 'test' });
    expect(await spoken.deliver([usageEvent('e1', customer, 1)])).toMatchObject([{ kind }]);
    await spoken.close();
  });

  it.each([
    [200, '{"object":"billing.meter_event","identifier":"another"}'],
    [200, 'null'],
    [204, ''],
    [403, '<html>Forbidden by the proxy</html>'],
    [502, '<html>Bad gateway</html>'],
  ])('an answer of somebody else (%i %s) settles nothing', async (status, body) => {
    const spoken = stripeSink({ apiKey: STAND_IN_KEY, url: await answering(status, body), mode: 'test' });
    expect(await spoken.deliver([usageEvent('e1', customer, 1)])).toMatchObject([{ kind: 'ambiguous' }]);
    await spoken.close();
  });
});

const deactivate = async () => {
  const { data } = await stripe.api.billing.meters.list();
  return stripe.api.billing.meters.deactivate(data[0]?.id ?? '');
};

describe('preflight', () => {
  const codes = async (now = NOON, meters: readonly Meter[] = [CALLS]) =>
    (await sink.preflight(meters, now)).map(({ code, next }) => [code, next]);

  it('finds nothing where all is well', async () => {
    await makeMeter(stripe.api);
    expect(await codes()).toEqual([]);
    expect(await sink.account()).toBe('acct_standin');
  });

  it.each([
    ['nothing', async () => null, 'meter_missing', 'saasctl usage stripe setup'],
    [
      'an inactive meter',
      async () => {
        await makeMeter(stripe.api);
        await deactivate();
      },
      'meter_inactive',
      'saasctl usage stripe setup',
    ],
    [
      'a counting meter',
      () => makeMeter(stripe.api, 'api_calls', 'count'),
      'meter_formula',
      expect.stringContaining('eventName'),
    ],
    [
      'a meter of last values',
      () => makeMeter(stripe.api, 'api_calls', 'last'),
      'meter_formula',
      expect.stringContaining('eventName'),
    ],
    [
      'a meter that keeps one event a day',
      () =>
        stripe.api.billing.meters.create({
          display_name: 'x',
          event_name: 'api_calls',
          default_aggregation: { formula: 'sum' },
          event_time_window: 'day',
        }),
      'meter_window',
      expect.stringContaining('eventName'),
    ],
    [
      'a meter with another value',
      () =>
        stripe.api.billing.meters.create({
          display_name: 'x',
          event_name: 'api_calls',
          default_aggregation: { formula: 'sum' },
          value_settings: { event_payload_key: 'n' },
        }),
      'meter_mapping',
      expect.stringContaining('eventName'),
    ],
  ])('%s', async (_, prepare, code, next) => {
    await prepare();
    expect(await codes()).toEqual([[code, next]]);
  });

  it('a renamed meter is the same one; an old one of the same name does not count', async () => {
    const { id } = await makeMeter(stripe.api);
    await stripe.api.billing.meters.deactivate(id);
    const { id: second } = await makeMeter(stripe.api);
    await stripe.api.billing.meters.update(second, { display_name: 'Renamed' });
    expect(await codes()).toEqual([]);
  });

  it('names the meter of many that lacks', async () => {
    for (let n = 0; n < 105; n++) await makeMeter(stripe.api, `meter_${n}`);
    const wanted = ['meter_0', 'meter_104', 'nothing'].map((eventName) => ({ ...CALLS, eventName }));
    expect((await sink.preflight(wanted, NOON)).map(({ meter }) => meter?.eventName)).toEqual(['nothing']);
  });

  it('a clock ten minutes off stops everything, two minutes do not', async () => {
    await makeMeter(stripe.api);
    expect(await codes(NOON + 600_000)).toEqual([['clock_skewed', 'timedatectl status']]);
    expect(await codes(NOON - 600_000)).toEqual([['clock_skewed', 'timedatectl status']]);
    expect(await codes(NOON + 120_000)).toEqual([]);
  });

  it('no key, a revoked one, one without rights', async () => {
    const keyless = stripeSink({ apiKey: null, url: stripe.url, mode: 'test' });
    expect(await keyless.preflight([CALLS], NOON)).toMatchObject([
      { meter: null, code: 'stripe_key_missing', next: 'export STRIPE_API_KEY=sk_test_…' },
    ]);
    await expect(keyless.account()).rejects.toMatchObject({ code: 'stripe_key_missing', exitCode: 2 });
    expect(await keyless.deliver([usageEvent('e1', customer, 1)])).toMatchObject([
      { reason: 'unauthorized' },
    ]);
    stripe.standIn.control({ keys: { [STAND_IN_KEY]: 'revoked' } });
    const problems = await sink.preflight([CALLS], NOON);
    expect(problems).toMatchObject([{ code: 'stripe_unauthorized', next: 'saasctl doctor' }]);
    expect(JSON.stringify(problems)).not.toContain(STAND_IN_KEY);
  });

  it('cannot ask: says that it may be tried again, and asks anew the next time', async () => {
    await makeMeter(stripe.api);
    stripe.standIn.control({
      faults: [
        { kind: 'unavailable', path: '/v1/account' },
        { kind: 'html_before', path: '/v1/billing/meters' },
      ],
    });
    await expect(sink.preflight([CALLS], NOON)).rejects.toMatchObject({
      code: 'stripe_failed',
      exitCode: 6,
      retryable: true,
    });
    await expect(sink.preflight([CALLS], NOON)).rejects.toMatchObject({
      hint: expect.stringContaining('something else answers'),
    });
    expect(await codes()).toEqual([]);
  });
});

describe('what helps where no answer came', () => {
  const error = (failure: TransportFailure, url: string | null) =>
    stripeError(new TransportError(failure, 'ECONNREFUSED'), 'read the account at Stripe', url);

  it('an address of one’s own where nobody answers is named, with the way back', async () => {
    const url = 'http://127.0.0.1:1';
    const alone = stripeSink({ apiKey: STAND_IN_KEY, url, mode: 'test' });
    await expect(alone.account()).rejects.toMatchObject({
      code: 'stripe_failed',
      retryable: true,
      hint: `SAASCTL_STRIPE_URL is ${url}, where nobody answers: start saasctl dev, or unset it`,
      next: 'unset SAASCTL_STRIPE_URL',
    });
    await alone.close();
    expect(error('unparsable', url).next).toBe('unset SAASCTL_STRIPE_URL');
    expect(error('timeout', url)).toMatchObject({
      hint: 'the same command may be run again',
      next: 'saasctl doctor',
    });
  });

  it('of Stripe itself its status page', () => {
    for (const failure of ['unreachable', 'timeout', 'reset', 'unparsable'] as const)
      expect(error(failure, null).next).toBe('https://status.stripe.com');
    expect(error('unreachable', null).hint).not.toContain('SAASCTL_STRIPE_URL');
  });
});

describe('what Stripe counted', () => {
  const total = (day: string, meter = CALLS) => sink.total({ customer, tenantId: 'acme', meter, day });
  beforeEach(() => makeMeter(stripe.api));

  it('is the day’s, exactly', async () => {
    const tenths: Meter = { ...CALLS, scale: 1 };
    for (let n = 0; n < 10; n++) await deliver(`e${n}`, { meter: tenths }, 1);
    await deliver('late', { timestamp: NOON / 1000 - DAY_S }, 7);
    expect(await total(TODAY, tenths)).toBe(10);
    expect(await total('2026-11-21', tenths)).toBe(70);
    expect(await total('2026-11-20')).toBe(0);
  });

  it('of large numbers, too, and nothing where a double could not say', async () => {
    await deliver('e1', {}, 900719925474099);
    expect(await total(TODAY)).toBe(900719925474099);
    await deliver('e2', { value: 5, meter: { ...CALLS, scale: 1 } });
    expect(await total(TODAY)).toBeNull();
  });

  it('is unknown of a stranger, a deleted meter or nobody', async () => {
    expect(await sink.total({ customer: null, tenantId: 'acme', meter: CALLS, day: TODAY })).toBeNull();
    expect(await total(TODAY, { ...CALLS, eventName: 'nothing' })).toBeNull();
    expect(await sink.total({ customer: 'cus_x', tenantId: 'acme', meter: CALLS, day: TODAY })).toBeNull();
  });
});

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

/** A server with one answer for everything. */
async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Counts the requests that reach a server which cuts every connection once it has read one. */
async function connections<T>(use: (url: string, requests: () => number) => Promise<T>): Promise<T> {
  let seen = 0;
  const server = createSocketServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      seen += 1;
      socket.resetAndDestroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => seen);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}
