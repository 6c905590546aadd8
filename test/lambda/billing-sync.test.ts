import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Delivery, Sink } from '../../src/core/billing/sink.ts';
import { SaasctlError } from '../../src/core/errors.ts';
import { gatePk } from '../../src/core/gate/layout.ts';
import { createTenant } from '../../src/core/tenants/mutations.ts';
import { dayOf } from '../../src/core/time.ts';
import { billingSettings, stripeKeyFrom } from '../../src/lambda/billing-settings.ts';
import { withFreshKey } from '../../src/lambda/fresh-key.ts';
import { type ScheduledSync, type SyncLog, scheduledSync } from '../../src/lambda/scheduled-sync.ts';
import { type StripeStandIn, startStripeStandIn } from '../../src/local/stripe/server.ts';
import type { Secrets } from '../../src/runtime/secrets.ts';
import { marshalItem } from '../../src/runtime/wire/marshal.ts';
import { openStoreOnEngine, type StoreOnEngine } from '../adapters/engine.ts';
import { apply, STACK } from '../adapters/tenancy.ts';
import { oneStep } from '../core/billing/schedule.ts';
import {
  clockOf,
  CALLS as METER,
  newWorld,
  sinkOf,
  storeOf,
  use,
  type World,
} from '../core/billing/world.ts';
import { clearOfMidnight } from '../fixtures/midnight.ts';
import { pro } from '../fixtures/tenants.ts';
import { bundle } from '../local/fixtures/bundles.ts';
import { startFakeAws } from '../runtime/fake-aws.ts';

const TENANTS = 30;
const CALLS = 7;
const KEY = 'sk_test_standin';
const BILLING = {
  mode: 'test',
  meters: [{ metric: 'api_calls', eventName: 'api_calls', measure: 'sum', scale: 0 }],
};

let dir: string;
let file: string;
let on: StoreOnEngine;
let stripe: StripeStandIn;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'saasctl-billing-'));
  [file, on, stripe] = await Promise.all([
    bundle(dir, 'src/lambda/billing-sync.ts'),
    openStoreOnEngine(),
    startStripeStandIn({ storeDir: null }),
  ]);
  await makeMeter();
  // Its usage is of today.
  await clearOfMidnight(120_000);
  for (let at = 0; at < TENANTS; at++) await makeTenant(`tenant-${at}`);
});
afterAll(async () => {
  await stripe.stop();
  await on.close();
  await rm(dir, { recursive: true, force: true });
});

describe('the scheduled sync, bundled', () => {
  it('stops with time to spare and carries on at the next invocation until all is billed', async () => {
    stripe.control({ latencyMs: 20 });
    // Half of what is left is kept back where little is left: four seconds of work an invocation.
    const invocations = await invoke(8_000, 4);
    const sent = invocations.map(({ synced }) => synced.sent);
    expect(sent.reduce((sum, one) => sum + one, 0)).toBe(TENANTS);
    expect(invocations.length).toBeGreaterThan(1);
    expect(invocations.slice(0, -1).every(({ synced }) => synced.stopped === 'budget')).toBe(true);
    expect(invocations.at(-1)?.synced).toMatchObject({ stopped: null, next: null, inflight: 0 });
    expect(Math.max(...invocations.map(({ ms }) => ms))).toBeLessThan(8_000);
    expect(stripe.totals().map(({ value }) => Number(value))).toEqual(Array(TENANTS).fill(CALLS));
  });

  it('finds nothing to do then, in little memory, and says so in one line without the key', async () => {
    stripe.control({ latencyMs: 0, perSecond: null });
    const [only, ...more] = await invoke(60_000);
    expect(more).toEqual([]);
    expect(only?.synced).toMatchObject({ sent: 0, days: 0, looked: TENANTS });
    expect(only?.rssMb).toBeLessThan(200);
    expect(only?.lines).toHaveLength(1);
    expect(JSON.parse(only?.lines[0] ?? '')).toMatchObject({
      level: 'info',
      event: 'billing_sync',
      result: 'ok',
    });
    expect(only?.lines.join()).not.toContain(KEY);
  });

  it('reads its key by name, and anew where the one that was stored has been rotated meanwhile', async () => {
    const aws = await startFakeAws();
    stripe.control({ keys: { sk_test_old: 'expired' } });
    aws.secrets.get = () => (aws.read.length === 1 ? 'sk_test_old' : KEY);
    const name = '/saasctl/test/stripe-key';
    const key = { STRIPE_API_KEY_PARAMETER: name, AWS_ENDPOINT_URL_SSM: aws.endpoint };
    const [only, ...more] = await invoke(60_000, null, key);
    expect(more).toEqual([]);
    expect(only?.synced).toMatchObject({ stopped: null, looked: TENANTS });
    expect(aws.read).toEqual([name, name]);
    expect(only?.lines.join()).not.toMatch(/sk_test/);
    stripe.control({ keys: {} });
    await aws.close();
  });
});

describe('its settings', () => {
  const env = { SAASCTL_STACK: 's', AWS_REGION: 'eu-central-1', SAASCTL_BILLING: JSON.stringify(BILLING) };

  it('are read whole', () => {
    expect(billingSettings(env)).toEqual({
      stack: 's',
      region: 'eu-central-1',
      endpoint: null,
      stripeUrl: null,
      ...BILLING,
      finalInvoice: 'carry',
      eventsPerSecond: null,
    });
  });

  it.each([
    ['SAASCTL_STACK', { SAASCTL_STACK: '' }],
    ['SAASCTL_BILLING', { SAASCTL_BILLING: 'x' }],
    ['SAASCTL_BILLING', { SAASCTL_BILLING: JSON.stringify({ ...BILLING, mode: 'both' }) }],
    ['SAASCTL_BILLING', { SAASCTL_BILLING: JSON.stringify({ ...BILLING, meters: [{ metric: 'x' }] }) }],
    [
      'SAASCTL_STRIPE_URL',
      {
        SAASCTL_STRIPE_URL: 'http://127.0.0.1:1',
        SAASCTL_BILLING: JSON.stringify({ ...BILLING, mode: 'live' }),
      },
    ],
    ['SAASCTL_STRIPE_URL', { SAASCTL_STRIPE_URL: 'http://stripe.example.com' }],
    ['SAASCTL_STRIPE_URL', { SAASCTL_STRIPE_URL: 'http://127.0.0.1.example.com' }],
  ])('that are wrong name their variable: %s', (name, change) => {
    expect(() => billingSettings({ ...env, ...change })).toThrow(name);
  });
});

describe('its key', () => {
  const key = 'sk_live_0123456789';
  const stored = new Map([
    ['/shop/key', key],
    ['shop/json', JSON.stringify({ other: 'x', STRIPE_API_KEY: key })],
    ['shop/other', JSON.stringify({ key })],
    ['shop/broken', `{"STRIPE_API_KEY": ${key}`],
  ]);
  const ages: (number | undefined)[] = [];
  const secrets = (): Secrets => ({
    async read({ name }, maxAgeMs) {
      ages.push(maxAgeMs);
      return stored.get(name) ?? '';
    },
    close() {},
  });

  it.each([
    { STRIPE_API_KEY: key },
    { STRIPE_API_KEY_PARAMETER: '/shop/key' },
    { STRIPE_API_KEY_SECRET: '/shop/key' },
    { STRIPE_API_KEY_SECRET: 'shop/json' },
  ])('is found by %j', async (env) => {
    await expect(stripeKeyFrom(env, 'live', secrets)).resolves.toBe(key);
  });

  it.each([
    { STRIPE_API_KEY: key },
    { STRIPE_API_KEY_PARAMETER: '/shop/key' },
    { STRIPE_API_KEY_SECRET: 'shop/json' },
    { STRIPE_API_KEY_SECRET: 'shop/other' },
    { STRIPE_API_KEY_SECRET: 'shop/broken' },
  ])('of the other mode, or in another shape, is not taken and not repeated: %j', async (env) => {
    const refusal = await stripeKeyFrom(env, 'test', secrets).catch((error: unknown) => error);
    const [variable = '', where = ''] = Object.entries(env)[0] ?? [];
    expect(refusal).toMatchObject({
      code: 'bad_setting',
      message: expect.stringContaining(variable === 'STRIPE_API_KEY' ? variable : where),
    });
    expect(JSON.stringify(refusal) + String(refusal)).not.toContain(key);
  });

  it('has one name, and a missing one says which', async () => {
    await expect(stripeKeyFrom({}, 'live', secrets)).rejects.toThrow('STRIPE_API_KEY_PARAMETER');
    const both = { STRIPE_API_KEY: key, STRIPE_API_KEY_SECRET: '/shop/key' };
    await expect(stripeKeyFrom(both, 'live', secrets)).rejects.toThrow('are both set');
  });

  it('is read again after five minutes, and at once where it is wanted anew', async () => {
    ages.length = 0;
    await stripeKeyFrom({ STRIPE_API_KEY_PARAMETER: '/shop/key' }, 'live', secrets);
    await stripeKeyFrom({ STRIPE_API_KEY_PARAMETER: '/shop/key' }, 'live', secrets, { anew: true });
    expect(ages).toEqual([300_000, 0]);
  });
});

describe('a key that is refused', () => {
  const refused = new SaasctlError({ code: 'sink_unauthorized', category: 'auth', message: 'no' });
  /** A store whose key is rotated after the first read, and a Stripe that takes the new one alone. */
  async function runs(keys: string[], fails: (key: string) => Error | null) {
    const used: string[] = [];
    const outcome = await withFreshKey(
      async (anew) => keys[anew ? 1 : 0] as string,
      async (key) => {
        used.push(key);
        const error = fails(key);
        if (error !== null) throw error;
        return 'synced';
      },
    ).catch((error: unknown) => error);
    return { used, outcome };
  }

  it('is read anew, and the work done with the one that was stored since', async () => {
    const { used, outcome } = await runs(['old', 'new'], (key) => (key === 'old' ? refused : null));
    expect([used, outcome]).toEqual([['old', 'new'], 'synced']);
  });

  it('and is still the same fails, after one run; another that is refused too, after two', async () => {
    expect(await runs(['old', 'old'], () => refused)).toEqual({ used: ['old'], outcome: refused });
    expect(await runs(['old', 'new'], () => refused)).toEqual({ used: ['old', 'new'], outcome: refused });
  });

  it('is not read anew for any other failure', async () => {
    const failed = new Error('remote');
    expect(await runs(['old', 'new'], () => failed)).toEqual({ used: ['old'], outcome: failed });
  });
});

describe('what its log says', () => {
  const lines: Parameters<SyncLog>[0][] = [];
  async function invokeOver(world: World, sink: Partial<Sink>, more: Partial<ScheduledSync> = {}) {
    lines.length = 0;
    let done = false;
    const synced = scheduledSync({
      ledger: storeOf(world, 'f'),
      sink: { ...sinkOf(world, 'f'), ...sink },
      stack: 'test',
      meters: world.meters,
      finalInvoice: 'carry',
      clock: clockOf(world, 'f'),
      runId: 'f',
      remainingMs: 60_000,
      log: (line) => lines.push(line),
      ...more,
    }).finally(() => {
      done = true;
    });
    synced.catch(() => {});
    while (!done) {
      oneStep(world);
      await new Promise((wake) => setImmediate(wake));
    }
    return synced;
  }
  const used = () => {
    const world = newWorld(1, ['acme']);
    use(world, 'acme', METER, 5);
    return world;
  };

  it('is an error where the key is refused, and the invocation fails', async () => {
    const answer: Delivery = { kind: 'rejected', reason: 'unauthorized', message: 'expired' };
    const failed = invokeOver(used(), { deliver: async () => [answer] });
    await expect(failed).rejects.toMatchObject({ code: 'sink_unauthorized', category: 'auth' });
    expect(lines).toMatchObject([{ level: 'error', result: 'auth' }]);
  });

  it('is an error where somebody has to look, a warning where the next invocation goes on', async () => {
    const gone: Delivery = { kind: 'rejected', reason: 'customer_gone', message: 'gone' };
    await invokeOver(used(), { deliver: async () => [gone] });
    expect(lines).toMatchObject([
      { level: 'error', result: 'pending' },
      { level: 'error', event: 'billing_failed', reason: 'gone', tenantId: 'acme', rows: 1 },
    ]);
    const problem = { meter: METER, code: 'meter_inactive', message: 'inactive', hint: null, next: null };
    await invokeOver(used(), { preflight: async () => [problem] });
    expect(lines).toMatchObject([{ level: 'error', result: 'pending' }]);
    await invokeOver(used(), {
      deliver: async () => [{ kind: 'ambiguous', reason: 'timeout', message: 'lost' }],
    });
    expect(lines).toMatchObject([{ level: 'warn', result: 'partial' }]);
  });

  it('names each cause once, however many rows it stops', async () => {
    const world = newWorld(1, ['acme', 'beta', 'gamma']);
    const denied = 'not authorized to perform: dynamodb:UpdateItem';
    await invokeOver(world, {}, { prepare: () => Promise.reject(new Error(denied)) });
    expect(lines).toMatchObject([
      { event: 'billing_sync', failed: 3 },
      { level: 'error', event: 'billing_failed', reason: denied, rows: 3 },
    ]);
  });
});

interface Invocation {
  ms: number;
  rssMb: number;
  synced: {
    sent: number;
    days: number;
    looked: number;
    stopped: string | null;
    next: unknown;
    inflight: number;
  };
  /** What it logged. */
  lines: string[];
}

/** Invocations of one sandbox until there is nothing left, each with so much time. */
async function invoke(
  remainingMs: number,
  eventsPerSecond: number | null = null,
  key: Record<string, string> = { STRIPE_API_KEY: KEY },
): Promise<Invocation[]> {
  const script = `
    const { handler } = await import(${JSON.stringify(file)});
    for (let next = true; next; ) {
      const ends = Date.now() + ${remainingMs};
      const synced = await handler({}, { getRemainingTimeInMillis: () => ends - Date.now() });
      const ms = Date.now() - ends + ${remainingMs};
      console.log('RESULT ' + JSON.stringify({ ms, rssMb: process.memoryUsage().rss / 2 ** 20, synced }));
      next = synced.next !== null;
    }`;
  const env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: on.proxy.endpoint,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    SAASCTL_STACK: STACK,
    SAASCTL_BILLING: JSON.stringify({ ...BILLING, eventsPerSecond }),
    SAASCTL_STRIPE_URL: stripe.url,
    ...key,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env,
    timeout: 110_000,
  });
  const invocations: Invocation[] = [];
  let lines: string[] = [];
  for (const line of stdout.trim().split('\n')) {
    if (!line.startsWith('RESULT ')) lines.push(line);
    else {
      invocations.push({ ...JSON.parse(line.slice('RESULT '.length)), lines });
      lines = [];
    }
  }
  return invocations;
}

async function makeTenant(id: string) {
  const now = Date.now();
  const input = { stripeCustomerId: (await post('customers', { name: id })).id };
  await apply(on.store, createTenant(null, id, input, { plan: pro, ifNotExists: false, now }), now);
  await on.wire.send('UpdateItem', {
    TableName: `${STACK}-gates`,
    Key: marshalItem({ PK: gatePk(id) }),
    UpdateExpression: 'SET u = :u',
    ExpressionAttributeValues: marshalItem({ ':u': { [dayOf(now)]: CALLS } }),
  });
}

const makeMeter = () =>
  post('billing/meters', {
    display_name: 'calls',
    event_name: 'api_calls',
    'default_aggregation[formula]': 'sum',
    'customer_mapping[type]': 'by_id',
    'customer_mapping[event_payload_key]': 'stripe_customer_id',
    'value_settings[event_payload_key]': 'value',
  });

async function post(path: string, form: Record<string, string>): Promise<{ id: string }> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/x-www-form-urlencoded' };
  const response = await fetch(`${stripe.url}/v1/${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(form),
  });
  return (await response.json()) as { id: string };
}
