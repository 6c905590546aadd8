import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { createDeps } from '../../src/deps.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { type BillingProject, openBillingProject } from '../fixtures/billing.ts';
import { type Json, pauseOf, ROOT } from '../fixtures/cli.ts';

const SYNC = 'usage sync-stripe -o json';
const BILLING = {
  meters: { api_calls: {} },
  prices: { pro: { api_calls: { currency: 'usd', unitAmount: '0.25' } } },
};

let project: BillingProject;
beforeAll(async () => {
  project = await openBillingProject();
});
afterAll(() => project.close());
// What a test sets at the stand-in or in the file is gone at the next one; tenants are each test's own.
beforeEach(async () => {
  project.standIn.control({ faults: [], latencyMs: 0, keys: {}, clockOffsetMs: 0 });
  await project.edit((file) => {
    file.billing = structuredClone(BILLING);
    file.profiles.local.stripe = 'stand-in';
  });
  await project.cli('usage stripe setup -q');
});
const cli = (...args: Parameters<BillingProject['cli']>) => project.cli(...args);

describe('usage sync-stripe', () => {
  it('has the fields that scripts read, in their order', async () => {
    const customer = await project.tenant('fields');
    await project.count('fields', 42);
    const { json, stderr } = await cli(`${SYNC} --tenant fields`);
    expect(Object.keys(json()).slice(0, 13)).toEqual(
      'sink account mode dryRun days settled sent units inflight refused flagged skipped tenants'.split(' '),
    );
    expect(json()).toMatchObject({
      sink: 'stripe',
      account: 'acct_standin',
      mode: 'test',
      dryRun: false,
      sent: 1,
      units: { api_calls: 42 },
      tenants: [
        {
          tenantId: 'fields',
          meter: 'api_calls',
          day: '2026-11-20',
          counter: 42,
          confirmed: 42,
          delta: 42,
          outcome: 'sent',
        },
      ],
    });
    expect(stderr).toBe('');
    expect(project.counted(customer)).toBe(42);
  });

  it('sends what was added since, once', async () => {
    const customer = await project.tenant('again');
    await project.count('again', 5);
    await cli(SYNC);
    expect((await cli(SYNC)).json()).toMatchObject({ sent: 0, units: {} });
    await project.count('again', 3);
    expect((await cli(`${SYNC} --tenant again`)).json()).toMatchObject({ sent: 1, units: { api_calls: 3 } });
    expect(project.counted(customer)).toBe(8);
  });

  it('dry, shows what it would send, and writes and sends nothing', async () => {
    const customer = await project.tenant('dry');
    await project.count('dry', 7);
    const { json } = await cli(`${SYNC} --tenant dry -n`);
    expect(json()).toMatchObject({ dryRun: true, tenants: [{ delta: 7, outcome: 'planned', confirmed: 0 }] });
    expect((await cli('usage ledger dry -o json')).json().items).toMatchObject([
      { confirmed: 0, rev: 0, owed: 7 },
    ]);
    expect(project.counted(customer)).toBe(0);
  });

  it('two at once bill once', async () => {
    const customer = await project.tenant('both');
    await project.count('both', 11);
    const runs = await Promise.all([cli(`${SYNC} --tenant both`), cli(`${SYNC} --tenant both`)]);
    expect(runs.map(({ code }) => code).every((code) => code === 0 || code === 7)).toBe(true);
    expect(project.counted(customer)).toBe(11);
  });

  it('one day, or one month, and no other', async () => {
    const customer = await project.tenant('days', '--bill-from 2026-10-25');
    for (const [day, calls] of [
      ['2026-10-31', 1],
      ['2026-11-19', 10],
      ['2026-11-20', 100],
    ] as const)
      await project.count('days', calls, day);
    await cli(`${SYNC} --tenant days --day yesterday`);
    expect(project.counted(customer)).toBe(10);
    await cli(`${SYNC} --tenant days --month last`);
    expect(project.counted(customer)).toBe(11);
    await cli(`${SYNC} --tenant days`);
    expect(project.counted(customer)).toBe(111);
  });

  it('usage recorded for a day that was settled is sent by the next run over all', async () => {
    const customer = await project.tenant('tardy', '--bill-from 2026-11-01');
    await project.edit(({ metrics, billing }) => {
      metrics.exports = { unit: 'files', kind: 'counter' };
      billing.meters.exports = {};
    });
    await cli('usage stripe setup -q');
    await project.count('tardy', 1);
    expect((await cli(SYNC)).json()).toMatchObject({ inflight: 0, failed: 0 });
    await cli('usage record tardy exports 6 --id late-1 --day 2026-11-17 -q');
    expect((await cli(SYNC)).json()).toMatchObject({ sent: 1, units: { exports: 6 } });
    expect((await cli(SYNC)).json()).toMatchObject({ sent: 0 });
    expect(project.counted(customer)).toBe(1);
    await project.edit(({ billing }) => {
      delete billing.meters.exports;
    });
  });

  it('never sends what lies before the day on which the customer was linked', async () => {
    await cli('tenant create late --plan pro -q');
    await project.count('late', 50, '2026-11-18');
    expect((await cli(`${SYNC} --tenant late`)).json()).toMatchObject({ skipped: 1, sent: 0 });
    const { json } = await cli('tenant update late --create-customer -o json');
    expect(json()).toMatchObject({ billFrom: '2026-11-20', outcome: 'updated' });
    await project.count('late', 4);
    await cli(`${SYNC} --tenant late`);
    expect(project.counted(json().stripeCustomerId)).toBe(4);
  });

  it('bills the last days of a tenant that was deleted', async () => {
    const customer = await project.tenant('gone');
    await project.count('gone', 9);
    await cli('tenant delete gone --confirm gone -q');
    expect((await cli(`${SYNC} --tenant gone`)).code).toBe(0);
    expect(project.counted(customer)).toBe(9);
  });

  it('says what it did in a table, the sums on stderr, and nothing with -q', async () => {
    await project.tenant('table');
    await project.count('table', 6);
    const { stdout, stderr } = await cli('usage sync-stripe --tenant table');
    expect(stdout.split('\n')[1]).toBe('table\tapi_calls\t2026-11-20\t6\t6\t6\tsent\t-');
    expect(stderr).toContain('1 sent, 0 settled; 1 tenant looked at; stripe acct_standin (test)');
    await project.count('table', 6);
    expect(await cli('usage sync-stripe --tenant table -q')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('refuses a day and a month together, and what is neither', async () => {
    expect((await cli(`${SYNC} --day yesterday --month last`)).code).toBe(2);
    expect((await cli(`${SYNC} --day 2026-02-30`)).error()).toMatchObject({ code: 'bad_day' });
    expect((await cli(`${SYNC} --tenant nobody`)).error()).toMatchObject({
      code: 'tenant_not_found',
      exitCode: 3,
    });
  });
});

describe('before the first write', () => {
  const onTest = () =>
    project.edit((file) => {
      file.profiles.local.stripe = 'test';
    });

  it('no key', async () => {
    await onTest();
    const { stdout, error } = await cli(SYNC);
    expect(stdout).toBe('');
    expect(error()).toMatchObject({ code: 'stripe_key_missing', exitCode: 2, next: expect.any(String) });
  });

  it('a live key on a test profile', async () => {
    await onTest();
    const { error, stderr } = await cli(SYNC, { env: { STRIPE_API_KEY: 'sk_live_abcdefgh' } });
    expect(error()).toMatchObject({ code: 'stripe_key_mismatch', exitCode: 2 });
    expect(stderr).not.toContain('abcdefgh');
  });

  it('a key from a file that others may read, and from one that they may not', async () => {
    await onTest();
    const file = join(project.dir, 'stripe.key');
    await writeFile(file, 'sk_test_fromfile\n', { mode: 0o644 });
    const env = { STRIPE_API_KEY_FILE: 'stripe.key' };
    expect((await cli(SYNC, { env })).error()).toMatchObject({
      code: 'secret_file_unusable',
      next: `chmod 600 ${file}`,
    });
    await writeFile(join(project.dir, 'good.key'), 'sk_test_fromfile\n', { mode: 0o600 });
    expect((await cli(SYNC, { env: { STRIPE_API_KEY_FILE: 'good.key' } })).code).toBe(0);
  });

  it('a key that was revoked', async () => {
    await onTest();
    project.standIn.control({ keys: { sk_test_old: 'revoked' } });
    const { error, stdout } = await cli(SYNC, { env: { STRIPE_API_KEY: 'sk_test_old' } });
    expect(error()).toMatchObject({ code: 'stripe_unauthorized', exitCode: 2, next: 'saasctl doctor' });
    expect(stdout).toBe('');
  });

  it('a live key is sent to Stripe alone, a test key at most to this machine', async () => {
    await project.edit((file) => {
      file.profiles.prod = { ...file.profiles.local, stripe: 'live', keyEnvs: ['live'] };
    });
    const live = await cli(`${SYNC} --profile prod`, { env: { STRIPE_API_KEY: 'sk_live_x' } });
    expect(live.error()).toMatchObject({ code: 'bad_stripe_url', exitCode: 2 });
    await project.edit((file) => {
      delete file.profiles.prod;
    });
    await onTest();
    const env = { STRIPE_API_KEY: 'sk_test_x', SAASCTL_STRIPE_URL: 'https://stripe.example.com' };
    expect((await cli(SYNC, { env })).error()).toMatchObject({ code: 'bad_stripe_url', exitCode: 2 });
  });

  it('a meter that is inactive, which the setup mends', async () => {
    const customer = await project.tenant('inactive');
    await project.count('inactive', 2);
    const { data } = await project.api('GET', '/v1/billing/meters');
    await project.api(
      'POST',
      `/v1/billing/meters/${data.find((one: Json) => one.event_name === 'api_calls').id}/deactivate`,
    );
    const { error, stdout } = await cli(SYNC);
    expect(error()).toMatchObject({
      code: 'meter_inactive',
      exitCode: 2,
      next: 'saasctl usage stripe setup',
    });
    expect(stdout).toBe('');
    expect((await cli('usage stripe setup -o json')).json().steps[0]).toMatchObject({ action: 'activate' });
    expect((await cli(`${SYNC} --tenant inactive`)).code).toBe(0);
    expect(project.counted(customer)).toBe(2);
  });

  it('a meter that was renamed, and one that counts events instead of adding them up', async () => {
    await project.edit((file) => {
      file.billing = { meters: { api_calls: { eventName: 'renamed' } } };
    });
    expect((await cli(SYNC)).error()).toMatchObject({ code: 'meter_missing', exitCode: 2 });
    await project.api('POST', '/v1/billing/meters', {
      display_name: 'renamed',
      event_name: 'renamed',
      'default_aggregation[formula]': 'count',
    });
    expect((await cli(SYNC)).error()).toMatchObject({ code: 'meter_formula', exitCode: 2 });
  });

  it('a clock that is ten minutes off', async () => {
    project.standIn.control({ clockOffsetMs: 600_000 });
    expect((await cli(SYNC)).error()).toMatchObject({ code: 'clock_skewed', exitCode: 2 });
  });
});

describe('whatever answers there instead of Stripe', () => {
  it.each(['html_before', 'empty_before', 'unavailable', 'drop_before'] as const)(
    '%s before the first write: 6, run it again',
    async (kind) => {
      project.standIn.control({ faults: [{ kind, path: '/v1/account' }] });
      const { code, stdout, error } = await cli(SYNC);
      expect([code, stdout]).toEqual([6, '']);
      expect(error()).toMatchObject({ code: 'stripe_failed', retryable: true });
    },
  );

  it('nobody at an address of one’s own: it is named, and how to go without it', async () => {
    const url = 'http://127.0.0.1:1';
    const { code, error } = await cli(SYNC, { env: { SAASCTL_STRIPE_URL: url } });
    expect(code).toBe(6);
    expect(error()).toMatchObject({ code: 'stripe_failed', next: 'unset SAASCTL_STRIPE_URL' });
    expect(error().hint).toContain(`${url}, where nobody answers`);
  });

  it('a line a request with --debug, and no key in any', async () => {
    await project.edit((file) => {
      file.profiles.local.stripe = 'test';
    });
    const { stderr } = await cli('usage sync-stripe --debug', {
      env: { STRIPE_API_KEY: 'sk_test_precious' },
    });
    expect(stderr).toMatch(/^debug: Stripe GET \/v1\/account 200 /m);
    expect(stderr).not.toContain('precious');
  });
});

describe('on the way', () => {
  it.each(['html_after', 'empty_after', 'drop_after', 'error_after', 'drop_before', 'html_before'] as const)(
    '%s: sent again under its id, and counted once',
    async (kind) => {
      const id = kind.replace('_', '-');
      const customer = await project.tenant(id);
      await project.count(id, 5);
      project.standIn.control({ faults: [{ kind, path: '/v1/billing/meter_events' }] });
      expect((await cli(`${SYNC} --tenant ${id}`)).code).toBe(0);
      expect(project.counted(customer)).toBe(5);
    },
  );

  it('Stripe is down: 7, and the next run sends it once', async () => {
    const customer = await project.tenant('down');
    await project.count('down', 5);
    project.standIn.control({
      faults: [{ kind: 'unavailable', path: '/v1/billing/meter_events', times: null }],
    });
    const { code, error, json } = await cli(`${SYNC} --tenant down`);
    expect([code, json().inflight]).toEqual([7, 1]);
    expect(error()).toMatchObject({
      code: 'sync_incomplete',
      next: 'saasctl usage sync-stripe --tenant down',
      retryable: true,
    });
    project.standIn.control({ faults: [] });
    project.clock.now += 10_000;
    expect((await cli(`${SYNC} --tenant down`)).code).toBe(0);
    expect(project.counted(customer)).toBe(5);
  });

  it('a customer that was deleted: that tenant is reported, the rest settled, 8', async () => {
    const lost = await project.tenant('orphan');
    const customer = await project.tenant('fine');
    await project.count('orphan', 3);
    await project.count('fine', 4);
    await project.api('DELETE', `/v1/customers/${lost}`);
    const { code, json, error } = await cli(SYNC);
    expect([code, json().refused]).toEqual([8, 1]);
    expect(error()).toMatchObject({
      code: 'customer_gone',
      next: 'saasctl tenant update orphan --stripe-customer <cus_…>',
      retryable: false,
    });
    expect(project.counted(customer)).toBe(4);
    // Still so at the next run; billed to whoever takes its place.
    expect((await cli(SYNC)).code).toBe(8);
    const { id: heir } = await project.api('POST', '/v1/customers', { name: 'heir' });
    await cli(`tenant update orphan --stripe-customer ${heir} -q`);
    expect((await cli(SYNC)).code).toBe(0);
    expect(project.counted(heir)).toBe(3);
  });

  it('a meter that is gone stops itself and no other: 8', async () => {
    await project.edit((file) => {
      file.billing = { meters: { api_calls: {}, compute_seconds: {} } };
    });
    const customer = await project.tenant('half');
    await project.count('half', 4);
    const { code, json, error } = await cli(`${SYNC} --tenant half`);
    expect([code, json().sent, json().problems.length]).toEqual([8, 1, 1]);
    expect(error()).toMatchObject({ code: 'meter_missing', next: 'saasctl usage stripe setup' });
    expect(project.counted(customer)).toBe(4);
  });

  it('a counter that is below what was sent is flagged, not sent', async () => {
    const customer = await project.tenant('shrunk');
    await project.count('shrunk', 10);
    await cli(`${SYNC} --tenant shrunk`);
    await project.count('shrunk', -4);
    const { code, error } = await cli(`${SYNC} --tenant shrunk`);
    expect([code, error().code]).toEqual([8, 'counter_below']);
    expect(project.counted(customer)).toBe(10);
    await project.count('shrunk', 4);
    expect((await cli(`${SYNC} --tenant shrunk`)).code).toBe(0);
  });

  it('an interrupt stops it cleanly: 130, and the next run goes on', async () => {
    const customers = await Promise.all(Array.from({ length: 12 }, (_, i) => project.tenant(`stop-${i}`)));
    for (let i = 0; i < 12; i++) await project.count(`stop-${i}`, 10 + i);
    project.standIn.control({ latencyMs: 40 });
    const stop = new AbortController();
    const io = testIo({
      env: { AWS_ENDPOINT_URL_DYNAMODB: project.endpoint, SAASCTL_STRIPE_URL: project.standIn.url },
    });
    const { dir, clock } = project;
    const now = () => clock.now;
    const world = { io, cwd: dir, home: dir, now, pause: pauseOf(clock), signal: stop.signal };
    const before = project.standIn.answers()[200] ?? 0;
    const watch = setInterval(() => {
      if ((project.standIn.answers()[200] ?? 0) >= before + 3) stop.abort();
    }, 1);
    const code = await run(['usage', 'sync-stripe'], createDeps(world, ROOT, '0.0.0-test'));
    clearInterval(watch);
    expect([code, io.stderr()]).toEqual([130, expect.stringContaining('nothing is half done')]);
    project.standIn.control({ latencyMs: 0 });
    project.clock.now += 10_000;
    expect((await cli(SYNC)).code).toBe(0);
    const counted = customers.map((customer) => project.counted(customer));
    expect(counted).toEqual(customers.map((_, i) => 10 + i));
  });
});

describe('usage reconcile, ledger and correct', () => {
  it('shows both numbers, flags what differs, and corrects nothing by itself', async () => {
    const customer = await project.tenant('drift');
    await project.count('drift', 20);
    await cli(`${SYNC} --tenant drift`);
    expect((await cli('usage reconcile --tenant drift -o json')).json().items).toMatchObject([
      {
        meter: 'api_calls',
        counter: 20,
        confirmed: 20,
        there: 20,
        difference: 0,
        agreement: 'equal',
        flag: null,
      },
    ]);
    // Somebody else sends to the same meter.
    await project.api('POST', '/v1/billing/meter_events', {
      event_name: 'api_calls',
      'payload[stripe_customer_id]': customer,
      'payload[value]': '5',
      timestamp: String(Math.floor(project.clock.now / 1000)),
    });
    const { code, json, error } = await cli('usage reconcile --tenant drift -o json');
    expect(code).toBe(8);
    expect(json().items).toMatchObject([{ confirmed: 20, there: 25, difference: 5, agreement: 'drift' }]);
    expect(error()).toMatchObject({
      code: 'drift',
      next: 'saasctl usage ledger drift --day 2026-11-20 -o json',
    });
    const { items } = (await cli('usage ledger drift -o json')).json();
    expect(items).toMatchObject([
      {
        confirmed: 20,
        owed: 0,
        flag: { code: 'drift', there: 25, at: expect.stringMatching(/^2026-11-20T12:\d\d/) },
      },
    ]);
    expect(items[0].history).toMatchObject([{ event: 'sent', delta: 20, seq: 1 }]);
  });

  it('corrects what a person knows, typed and audited; the next sync sends the rest', async () => {
    const words = 'usage correct drift --meter api_calls --day 2026-11-20 --confirmed 25';
    expect((await cli(`${words} -o json`)).error()).toMatchObject({
      code: 'confirmation_required',
      exitCode: 2,
    });
    expect((await cli(`${words} --confirm acme -o json`)).error()).toMatchObject({
      code: 'confirm_mismatch',
    });
    project.clock.now += 1;
    const dry = await cli(`${words} --dry-run`);
    expect(dry.stderr).toContain('nothing was changed');
    expect((await cli(`${words} --confirm drift -o json`)).json()).toMatchObject({
      confirmed: 25,
      outcome: 'updated',
    });
    const { items } = (await cli('audit list --tenant drift -o json')).json();
    expect(items[0]).toMatchObject({
      action: 'billing.correct.confirmed',
      actor: expect.stringContaining('@'),
    });
    expect((await cli('usage reconcile --tenant drift')).code).toBe(0);
    await project.count('drift', 12);
    expect((await cli(`${SYNC} --tenant drift`)).json()).toMatchObject({ units: { api_calls: 7 } });
  });

  it('refuses a correction of what is not there, or of nothing', async () => {
    const words = 'usage correct drift --meter api_calls -o json --confirm drift';
    expect((await cli(`${words} --day 2026-11-01 --write-off`)).error()).toMatchObject({
      code: 'ledger_row_not_found',
      exitCode: 3,
    });
    expect((await cli(`${words} --day 2026-11-20 --counted`)).error()).toMatchObject({
      code: 'correction_refused',
      exitCode: 5,
    });
    expect((await cli(`${words} --day 2026-11-20`)).error()).toMatchObject({ code: 'no_correction' });
    expect((await cli(`${words} --day 2026-11-20 --confirmed 1.5`)).error()).toMatchObject({
      code: 'bad_amount',
    });
    expect((await cli(`${words} --day 2026-11-20 --counted --write-off`)).code).toBe(2);
  });
});

describe('usage stripe setup', () => {
  it('makes what is missing once; a changed price becomes a new one', async () => {
    await project.edit((file) => {
      file.billing.prices.free = { api_calls: { currency: 'usd', unitAmount: '1' } };
    });
    const dry = await cli('usage stripe setup -n -o json');
    expect(dry.json()).toMatchObject({ outcome: 'planned', account: 'acct_standin', mode: 'test' });
    const made = await cli('usage stripe setup -o json');
    expect(made.json().outcome).toBe('updated');
    expect((await cli('usage stripe setup -o json')).json()).toMatchObject({
      outcome: 'unchanged',
      steps: expect.arrayContaining([expect.objectContaining({ name: 'free/api_calls', action: 'none' })]),
    });
    await project.edit((file) => {
      file.billing.prices.free.api_calls.unitAmount = '2';
    });
    const { steps } = (await cli('usage stripe setup -o json')).json();
    expect(steps.filter(({ action }: { action: string }) => action !== 'none')).toMatchObject([
      { kind: 'price', name: 'free/api_calls', action: 'replace' },
    ]);
  });
});

describe('usage preview', () => {
  it('shows the next invoice exactly, and what is not yet sent', async () => {
    const customer = await project.tenant('invoiced');
    const { steps } = (await cli('usage stripe setup -o json')).json();
    const price = steps.find((step: { kind: string; name: string }) => step.kind === 'price').id;
    await project.api('POST', '/v1/subscriptions', { customer, 'items[0][price]': price });
    await project.count('invoiced', 4321);
    await cli(`${SYNC} --tenant invoiced`);
    await project.count('invoiced', 10);
    const { json } = await cli('usage preview invoiced -o json');
    expect(json()).toMatchObject({
      customer,
      source: 'stripe',
      invoice: { total: { minor: 1080, currency: 'usd', exact: '1080.25' } },
      meters: [{ meter: 'api_calls', counter: 4331, confirmed: 4321, unsent: 10 }],
    });
    expect((await cli('usage preview invoiced')).stdout).toContain(
      '1080 USD (smallest units), exactly 1080.25',
    );
  });

  it('says why there is none, and shows the usage all the same', async () => {
    await cli('tenant create unlinked --plan pro -q');
    await project.count('unlinked', 3);
    expect((await cli('usage preview unlinked -o json')).json()).toMatchObject({
      invoice: null,
      reason: expect.stringContaining('--create-customer'),
      meters: [{ counter: 3 }],
    });
    await project.tenant('keyless');
    await project.edit((file) => {
      file.profiles.local.stripe = 'test';
    });
    expect((await cli('usage preview keyless -o json')).json()).toMatchObject({
      invoice: null,
      reason: expect.stringContaining('STRIPE_API_KEY'),
      meters: [{ counter: 0, confirmed: null, unsent: null }],
    });
  });
});

describe('usage sync --sink csv', () => {
  it('appends what was added, once; without a file it says what to set', async () => {
    expect((await cli('usage sync --sink csv -o json')).error()).toMatchObject({
      code: 'sink_not_configured',
      exitCode: 2,
    });
    await project.edit((file) => {
      file.billing.csv = { file: 'usage.csv' };
    });
    await cli('tenant create lines --plan pro -q');
    await project.count('lines', 8);
    expect((await cli('usage sync --sink csv --tenant lines -o json')).json()).toMatchObject({
      sink: 'csv',
      sent: 1,
    });
    expect((await cli('usage sync --sink csv --tenant lines -o json')).json()).toMatchObject({ sent: 0 });
    const lines = (await readFile(join(project.dir, 'usage.csv'), 'utf8')).trim().split(/\r?\n/);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^sc_[\w-]+,lines,api_calls,2026-11-20,8,calls,/);
  });
});

describe('usage sync --sink webhook', () => {
  const SECRET = `whsec_${Buffer.from('a secret of the receiver').toString('base64')}`;
  const WEBHOOK = 'usage sync --sink webhook --tenant hooked -o json';
  const env = { SAASCTL_WEBHOOK_SECRET: SECRET };
  /** Events by id, as a receiver keeps them. */
  const received = new Map<string, { subject: string; data: { value: string } }>();
  let status = 200;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    // By its own clock, which is not the project's: the signature alone is looked at.
    const id = String(request.headers['webhook-id']);
    const at = new Date(Number(request.headers['webhook-timestamp']) * 1000);
    const isOurs = request.headers['webhook-signature'] === new Webhook(SECRET).sign(id, at, body);
    // Gone: it refuses what it is sent.
    if (isOurs && status !== 410) for (const event of JSON.parse(body)) received.set(event.id, event);
    response.writeHead(isOurs ? status : 401).end();
  });
  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    await cli('tenant create hooked --plan pro -q');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(async () => {
    status = 200;
    await project.edit((file) => {
      file.billing.webhook = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/usage` };
    });
  });
  const total = () => [...received.values()].reduce((sum, { data }) => sum + Number(data.value), 0);

  it('needs a secret, and sends signed events, once', async () => {
    await project.count('hooked', 8);
    expect((await cli(WEBHOOK)).error()).toMatchObject({ code: 'webhook_secret_missing', exitCode: 2 });
    expect((await cli(WEBHOOK, { env })).json()).toMatchObject({ sink: 'webhook', sent: 1 });
    expect((await cli(WEBHOOK, { env })).json()).toMatchObject({ sent: 0 });
    expect([...received.values()]).toMatchObject([{ subject: 'hooked', data: { value: '8' } }]);
  });

  it('a receiver that fails after taking them: 7, then the same events again', async () => {
    await project.count('hooked', 5);
    status = 500;
    const { code, error } = await cli(WEBHOOK, { env });
    expect([code, error().next]).toEqual([7, 'saasctl usage sync --sink webhook --tenant hooked']);
    status = 200;
    project.clock.now += 10_000;
    expect((await cli(WEBHOOK, { env })).code).toBe(0);
    expect(total()).toBe(13);
  });

  it('a receiver that is gone ends the run: 4, and says so', async () => {
    await project.count('hooked', 2);
    status = 410;
    const { code, error } = await cli(WEBHOOK, { env });
    expect([code, error().code]).toEqual([4, 'webhook_unauthorized']);
    expect(error().hint).toContain('410');
    status = 200;
    project.clock.now += 10_000;
    expect((await cli(WEBHOOK, { env })).code).toBe(0);
    expect(total()).toBe(15);
  });
});

describe('doctor', () => {
  const findings = async (check: string, io = {}) =>
    (await cli('doctor -o json', io)).json().items.filter((one: { check: string }) => one.check === check);

  it('says whether the account takes what is billed', async () => {
    expect(await findings('stripe')).toMatchObject([
      { status: 'ok', detail: 'acct_standin (test) takes api_calls' },
    ]);
    await project.edit((file) => {
      file.billing.meters = { api_calls: {}, users: {} };
    });
    expect(await findings('stripe')).toMatchObject([
      { status: 'warn', remedy: 'saasctl usage stripe setup' },
    ]);
    project.standIn.control({ clockOffsetMs: 600_000 });
    expect((await findings('stripe'))[0]).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/(599|60\d) s apart/),
    });
  });

  it('warns of a key that is not there, and fails at one that is wrong', async () => {
    await project.edit((file) => {
      file.profiles.local.stripe = 'test';
    });
    expect(await findings('stripe')).toMatchObject([
      { status: 'warn', remedy: 'export STRIPE_API_KEY_FILE=<file>' },
    ]);
    project.standIn.control({ keys: { sk_test_old: 'revoked' } });
    expect(await findings('stripe', { env: { STRIPE_API_KEY: 'sk_test_old' } })).toMatchObject([
      { status: 'fail' },
    ]);
  });

  it('names what the ledger has not settled: 8', async () => {
    const customer = await project.tenant('ailing');
    await project.count('ailing', 3);
    await project.api('DELETE', `/v1/customers/${customer}`);
    await cli(SYNC);
    const { code, error } = await cli('doctor -o json');
    expect([code, error().next]).toEqual([8, 'saasctl usage ledger ailing']);
    expect(await findings('ledger')).toMatchObject([
      { status: 'fail', detail: expect.stringContaining('ailing#api_calls#2026-11-20 (customer_gone)') },
    ]);
    const fix = 'usage correct ailing --meter api_calls --day today --write-off --confirm ailing -q';
    expect((await cli(fix)).code).toBe(0);
    await cli(SYNC);
    expect(await findings('ledger')).toMatchObject([{ status: 'ok' }]);
  });
});
