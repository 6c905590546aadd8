import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { outcomeError } from '../../src/commands/usage/sync-result.ts';
import type { SyncReport } from '../../src/core/billing/report.ts';
import type { SinkProblem } from '../../src/core/billing/sink.ts';
import { createDeps } from '../../src/deps.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { type BillingProject, openBillingProject } from '../fixtures/billing.ts';
import { type Json, pauseOf, ROOT } from '../fixtures/cli.ts';

let project: BillingProject;
beforeAll(async () => {
  project = await openBillingProject();
  await project.cli('usage stripe setup -q');
});
afterAll(() => project.close());
const cli = (...args: Parameters<BillingProject['cli']>) => project.cli(...args);

describe('a Stripe customer', () => {
  it('pays for one tenant, also once that one is deleted, until the tenant takes another', async () => {
    const customer = await project.tenant('first');
    for (const words of [
      `tenant create second --plan pro --stripe-customer ${customer} -o json`,
      'tenant create third --plan pro -q',
      `tenant update third --stripe-customer ${customer} -o json`,
    ]) {
      const { code, error } = await cli(words);
      if (words.endsWith('-q')) continue;
      expect([code, error().code, error().message]).toEqual([
        5,
        'customer_taken',
        expect.stringContaining("'first'"),
      ]);
    }
    expect((await cli('tenant show second -o json')).code).toBe(3);
    expect((await cli('tenant update first --stripe-customer cus_another -q')).code).toBe(0);
    expect((await cli(`tenant update third --stripe-customer ${customer} -q`)).code).toBe(0);
    expect((await cli(`tenant update third --stripe-customer ${customer} --name Third -q`)).code).toBe(0);
    expect((await cli('tenant delete third --confirm third -q')).code).toBe(0);
    const { code, error } = await cli(`tenant update first --stripe-customer ${customer} -o json`);
    expect([code, error().message]).toEqual([5, expect.stringContaining("'third'")]);
  });
});

describe('usage record', () => {
  it('refuses what could never be billed', async () => {
    await project.edit((file) => {
      file.metrics = { bytes: { unit: 'bytes', kind: 'counter' } };
    });
    await cli('tenant create large --plan pro -q');
    const words = (amount: string) => `usage record large bytes ${amount} --id e1 -o json`;
    expect((await cli(words('1000000000000000'))).error()).toMatchObject({
      code: 'amount_too_large',
      exitCode: 2,
      hint: expect.stringContaining('999999999999999 bytes'),
    });
    expect((await cli(words('999999999999999'))).code).toBe(0);
  });
});

const report: SyncReport = {
  ...{ sink: 'stripe', account: 'acct_1', mode: 'test', dryRun: false, units: {}, oldest: null },
  ...{ days: 2, settled: 2, sent: 2, inflight: 0, refused: 0, flagged: 0, skipped: 0, failed: 0 },
  ...{ looked: 1, stopped: null, problems: [] },
};

describe('what wants somebody to look', () => {
  it('is said whole: every meter that is wrong, and what to do about it', () => {
    const problem = (meter: string): SinkProblem => ({
      meter: null,
      code: 'meter_missing',
      message: `no meter ${meter}`,
      hint: null,
      next: `make ${meter}`,
    });
    const problems = [problem('a'), problem('b')];
    const error = outcomeError({ ...report, problems }, [], 'saasctl usage sync-stripe');
    expect(error).toMatchObject({ exitCode: 8, next: 'make a' });
    expect(error?.hint).toContain('no meter a; make a');
    expect(error?.hint).toContain('no meter b; make b');
  });
});

it.each([
  ['csv', 'not everything is sent: 3 on their way'],
  ['webhook', 'not everything is sent: 3 on their way, nobody answers there'],
])('a run that %s takes nothing from says so', (sink, message) => {
  const stopped = { ...report, sink, inflight: 3, stopped: 'unreachable' } as const;
  expect(outcomeError(stopped, [], 'saasctl')).toMatchObject({ exitCode: 7, message });
});

describe('another sink', () => {
  const env = {
    SAASCTL_WEBHOOK_SECRET: `whsec_${Buffer.from('a secret of the receiver').toString('base64')}`,
  };
  let status = 200;
  let received = 0;
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume().on('end', () => {
      if (status === 200) received++;
      response.writeHead(status).end();
    });
  });
  const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const webhook = (settings: object) =>
    project.edit((file) => {
      file.billing = { meters: { api_calls: {} }, webhook: settings };
    });
  const sync = () => cli('usage sync --sink webhook --tenant hooked -o json', { env });
  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    await cli('tenant create hooked --plan pro -q');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    status = 200;
    project.clock.now += 60_000;
  });

  it('has its ledger under its name, wherever it is; another name gets everything anew', async () => {
    await project.count('hooked', 8);
    await webhook({ url: url('/usage') });
    expect((await sync()).json()).toMatchObject({ account: 'webhook', sent: 1 });
    await webhook({ url: url('/v2/usage/?token=1') });
    expect((await sync()).json()).toMatchObject({ account: 'webhook', sent: 0 });
    await webhook({ url: url('/usage'), name: 'second' });
    expect((await sync()).json()).toMatchObject({ account: 'second', sent: 1 });
    expect(received).toBe(2);
    await webhook({ url: url('/usage'), name: 'a#b' });
    expect((await sync()).code).toBe(2);
  });

  it('of which no file is named twice: a csv path written in another way is the same ledger', async () => {
    for (const [file, sent] of [
      ['usage.csv', 1],
      ['./usage.csv', 0],
      [`${project.dir}/usage.csv`, 0],
    ]) {
      await project.edit((json) => {
        json.billing = { meters: { api_calls: {} }, csv: { file } };
      });
      const { json } = await cli('usage sync --sink csv --tenant hooked -o json');
      expect(json()).toMatchObject({ account: 'csv', sent });
    }
  });

  it('is named in what is to be done next', async () => {
    await webhook({ url: url('/usage') });
    await project.count('hooked', 1);
    status = 422;
    const { code, error } = await sync();
    expect([code, error().next]).toEqual([8, 'saasctl usage ledger hooked --sink webhook']);
    expect(error().hint).toContain(
      'saasctl usage correct hooked --sink webhook --meter api_calls --day 2026-11-20 --clear-flag',
    );
    const correct = 'usage correct hooked --sink webhook --meter api_calls -o json --confirm hooked';
    for (const day of ['2026-11-20 --counted', '2026-11-01 --counted'])
      expect((await cli(`${correct} --day ${day}`, { env })).error().next).toMatch(
        /^saasctl usage ledger hooked.* --sink webhook$/,
      );
    const reconciled = await cli('usage reconcile --sink webhook --tenant hooked -o json', { env });
    expect([reconciled.code, reconciled.error().next]).toEqual([
      8,
      expect.stringContaining('usage ledger hooked --day 2026-11-20 --sink webhook'),
    ]);
    expect((await cli(`${correct} --day 2026-11-20 --clear-flag`, { env })).code).toBe(0);
    status = 200;
    expect((await sync()).code).toBe(0);
  });

  it('is looked at by doctor once its ledger has rows: without the secret, and nothing is sent', async () => {
    const ledgers = async () => {
      const before = requests;
      const { code, json } = await cli('doctor -o json');
      expect(requests).toBe(before);
      const isOwn = ({ check, detail }: Json) => check === 'ledger' && /^(webhook|csv): /.test(detail);
      return { code, own: json().items.filter(isOwn) };
    };
    const name = 'examined';
    await project.edit((file) => {
      file.billing = {
        meters: { api_calls: {} },
        webhook: { url: url('/usage'), name },
        csv: { file: 'examined.csv', name },
      };
    });
    expect((await ledgers()).own).toEqual([]);
    await project.count('hooked', 1);
    status = 500;
    expect((await sync()).code).toBe(7);
    const onTheWay = { check: 'ledger', remedy: 'saasctl usage sync --sink webhook' };
    expect((await ledgers()).own).toMatchObject([
      {
        ...onTheWay,
        status: 'warn',
        detail: expect.stringMatching(/^webhook: hooked#api_calls#.* for 0 h$/),
      },
    ]);
    project.clock.now += 20 * 3_600_000;
    expect(await ledgers()).toMatchObject({ code: 8, own: [{ ...onTheWay, status: 'fail' }] });
    status = 422;
    expect((await sync()).code).toBe(8);
    expect(await ledgers()).toMatchObject({
      code: 8,
      own: [
        {
          status: 'fail',
          detail: expect.stringMatching(/^webhook: somebody has to look: hooked#api_calls#.* \(refused\)$/),
          remedy: 'saasctl usage ledger hooked --sink webhook',
        },
      ],
    });
    expect((await cli('usage sync --sink csv --tenant hooked -q')).code).toBe(0);
    expect((await ledgers()).own).toMatchObject([
      { status: 'fail' },
      { status: 'ok', detail: 'csv: every delta that was sent is settled' },
    ]);
  });

  it.each([
    [410, 'set "billing"."webhook"."url" in saasctl.json'],
    [301, 'set "billing"."webhook"."url" in saasctl.json'],
    [401, 'export SAASCTL_WEBHOOK_SECRET_FILE=<file>'],
  ])('that answers %i: what to set', async (answer, next) => {
    await webhook({ url: url('/usage') });
    await project.count('hooked', 1);
    status = answer;
    const { code, error } = await sync();
    expect([code, error().next]).toEqual([4, next]);
  });
});

describe('a reader that has gone', () => {
  async function unread(words: string): Promise<number> {
    const io = testIo({
      env: { AWS_ENDPOINT_URL_DYNAMODB: project.endpoint, SAASCTL_STRIPE_URL: project.standIn.url },
    });
    io.closeStdout();
    const { clock, dir } = project;
    const { signal } = new AbortController();
    const world = { io, cwd: dir, home: dir, now: () => clock.now, pause: pauseOf(clock), signal };
    return run(words.split(' '), createDeps(world, ROOT, '0.0.0-test'));
  }
  it('hides no outcome of a run', async () => {
    const customer = await project.tenant('unread');
    await project.count('unread', 3);
    await project.api('DELETE', `/v1/customers/${customer}`);
    expect(await unread('usage sync-stripe --tenant unread')).toBe(8);
    project.standIn.control({
      faults: [{ kind: 'unavailable', path: '/v1/billing/meter_events', times: null }],
    });
    await project.tenant('unsent');
    await project.count('unsent', 3);
    expect(await unread('usage sync-stripe --tenant unsent')).toBe(7);
    project.standIn.control({ faults: [] });
    expect(await unread('tenant list')).toBe(0);
  });
});
