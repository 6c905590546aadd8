import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ExplorerServer, startExplorer } from '../adapters/cost/explorer-server.ts';
import { type Json, openProject, type Project } from '../fixtures/cli.ts';

// The profile `prod` is an account of its own: STS and Cost Explorer are stand-ins, DynamoDB is the engine.
let project: Project;
let explorer: ExplorerServer;
let sts: Server;
let account = '123456789012';

beforeAll(async () => {
  [project, explorer] = await Promise.all([
    openProject(),
    startExplorer([
      {
        month: '2026-10',
        amount: '12.3456789012',
        service: 'AWS Lambda',
        tags: { 'saasctl-tenant': 'acme' },
      },
      {
        month: '2026-10',
        amount: '1.5E-3',
        service: 'AWS Lambda',
        tags: { 'saasctl-tenant': 'old$tenant' },
      },
      { month: '2026-10', amount: '-0.5', service: 'AWS Lambda', recordType: 'Credit' },
    ]),
  ]);
  sts = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/xml' });
    response.end(
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${account}:user/ci</Arn><UserId>AIDA</UserId><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    );
  });
  await new Promise<void>((ready) => sts.listen(0, '127.0.0.1', ready));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', project.endpoint);
  vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${(sts.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ENDPOINT_URL_COST_EXPLORER', explorer.endpoint);
  await project.edit((file) => {
    for (const [name, id] of [
      ['prod', '123456789012'],
      ['other', '999999999999'],
    ] as const) {
      file.profiles[name] = { ...file.profiles.local, account: id, stripe: 'test' };
    }
  });
  project.clock.now = Date.parse('2026-09-10T12:00:00Z');
  await project.cli('tenant create acme --plan free --profile local -q');
  project.clock.now = Date.parse('2026-11-20T12:00:00Z');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([project.close(), explorer.close()]);
  await new Promise<void>((closed) => sts.close(() => closed()));
});

const report = (more = '', profile = 'prod') =>
  project.cli(`cost report --profile ${profile} -o json${more}`);
const cacheDir = () => join(project.dir, '.saasctl', 'cost');

describe('cost report from Cost Explorer', () => {
  it('pays for three requests once, and says what they cost; a closed month again asks nothing', async () => {
    const first = (await report()).json();
    expect(first.queryCost).toMatchObject({ minor: 3, currency: 'USD', requests: 3 });
    expect(first.totals.bill).toMatchObject({ minor: 1185, exact: '11.8471789012' });
    expect(first.rows.map(({ tenantId }: Json) => tenantId)).toEqual(['acme', '(unallocated)']);
    expect(first.unallocated[0].tag).toBe('old$tenant');
    const again = (await report()).json();
    expect(again.queryCost.requests).toBe(0);
    expect(again.rows).toEqual(first.rows);
  });

  it('a cache file that was cut short is asked for again, and said', async () => {
    for (const name of await readdir(cacheDir())) {
      const file = join(cacheDir(), name);
      await writeFile(file, (await readFile(file, 'utf8')).slice(0, -9));
    }
    const { queryCost, totals, notes } = (await report()).json();
    expect([queryCost.requests, totals.bill.minor]).toEqual([3, 1185]);
    expect(notes.join()).toContain('damaged');
  });

  it('another account’s month is never this one’s', async () => {
    const wrong = await report('', 'other');
    expect([wrong.code, wrong.error().code]).toEqual([4, 'wrong_account']);
    account = '999999999999';
    const { queryCost } = (await report('', 'other')).json();
    account = '123456789012';
    expect(queryCost.requests, 'it was asked for, not taken from the other account’s file').toBe(3);
  });

  it('denied, and an account without Cost Explorer, are told apart, with what to do', async () => {
    await rm(cacheDir(), { recursive: true, maxRetries: 5 });
    explorer.failures.push({ status: 400, type: 'AccessDeniedException', message: 'not authorized' });
    const denied = await report();
    expect([denied.code, denied.stdout]).toEqual([4, '']);
    expect(denied.error().next).not.toBeNull();
    explorer.failures.push({ status: 400, type: 'DataUnavailableException', message: 'not yet' });
    const unavailable = await report();
    expect(unavailable.code).not.toBe(0);
    expect(unavailable.error().code).not.toBe(denied.error().code);
    expect(unavailable.error().next).not.toBeNull();
  });

  it('throttled for a minute, it waits, says so, and answers; a refused request costs nothing', async () => {
    await rm(cacheDir(), { recursive: true, force: true, maxRetries: 5 });
    const throttled = { status: 400, type: 'LimitExceededException', message: 'Rate exceeded' };
    explorer.failures.push(...Array.from({ length: 7 }, () => throttled));
    const before = project.clock.now;
    const ran = await project.cli('cost report --profile prod -o csv');
    expect([ran.code, (project.clock.now - before) / 1000]).toEqual([0, 71]);
    expect(ran.stdout).toContain('acme,');
    expect(ran.stderr).toContain('Cost Explorer is throttling');
    expect(ran.stderr).toContain('3 requests to Cost Explorer cost USD 0.03');
  });

  it('throttled without end, it gives up after two minutes with what to do: 6, and nothing on stdout', async () => {
    await rm(cacheDir(), { recursive: true, force: true, maxRetries: 5 });
    const throttled = { status: 400, type: 'LimitExceededException', message: 'Rate exceeded' };
    explorer.failures.push(...Array.from({ length: 30 }, () => throttled));
    const before = project.clock.now;
    const ran = await report();
    explorer.failures.length = 0;
    expect([ran.code, ran.stdout]).toEqual([6, '']);
    expect(ran.error()).toMatchObject({ code: 'aws_throttled', exitCode: 6, retryable: true });
    expect(ran.error().next).not.toBeNull();
    const waited = (project.clock.now - before) / 1000;
    expect(waited).toBeGreaterThan(90);
    expect(waited).toBeLessThanOrEqual(120);
  });

  it('a page that cannot be written is said before a request is paid for', async () => {
    const before = explorer.queries.length;
    const ran = await report(' --fresh --html none/cost.html');
    expect([ran.code, ran.error().code, ran.error().next]).toEqual([
      2,
      'not_writable',
      `mkdir -p ${join(project.dir, 'none')}`,
    ]);
    expect((await report(' --fresh --html .')).error().code).toBe('not_writable');
    expect(explorer.queries.length).toBe(before);
  });

  it('a fresh run pays again, and its answer is kept', async () => {
    await report();
    expect((await report()).json().queryCost.requests).toBe(0);
    expect((await report(' --fresh')).json().queryCost.requests).toBe(3);
    expect((await report()).json().queryCost.requests).toBe(0);
  });

  it('by feature it says which drivers do not apply, and the page names none of them', async () => {
    const { notes } = (await report(' --by feature')).json();
    expect(notes.join()).toContain('by feature Cost Explorer gives no usage type');
    expect((await report()).json().notes.join()).not.toContain('usage type');
    const storage = { service: 'Amazon DynamoDB', usageType: 'TimedStorage-ByteHrs', amount: '2' };
    explorer.charges.push({ month: '2026-09', ...storage });
    const methodOf = async (by: string) => {
      await report(` --month 2026-09 --by ${by} --html ${by}.html`);
      const page = await readFile(join(project.dir, `${by}.html`), 'utf8');
      return page.slice(page.indexOf('How it was done'));
    };
    expect(await methodOf('service')).toContain('TimedStorage by byte_hours');
    const method = await methodOf('feature');
    expect(method).not.toContain('TimedStorage');
    expect(method).toContain('The bill named no usage types');
    expect(method).toContain('Amazon DynamoDB: requests');
  });

  it('what is checked is checked by tenant: by feature it is refused, naming the command', async () => {
    const before = explorer.queries.length;
    const share = await report(' --by feature --max-unallocated 60%');
    expect([share.code, share.error()]).toMatchObject([
      2,
      { code: 'checked_by_tenant', next: 'saasctl cost report --max-unallocated 60% --profile prod' },
    ]);
    const margins = await report(' --by feature --month 2026-10 --fail-on-negative-margin');
    expect(margins.error()).toMatchObject({
      code: 'checked_by_tenant',
      next: 'saasctl cost report --month 2026-10 --fail-on-negative-margin --profile prod',
    });
    expect(explorer.queries.length).toBe(before);
    await project.edit((file) => {
      file.cost = { maxUnallocated: '0%' };
    });
    const [byTenant, byFeature] = [await report(), await report(' --by feature')];
    await project.edit((file) => delete file.cost);
    expect([byTenant.code, byFeature.code]).toEqual([8, 0]);
    expect(byFeature.json().notes.join()).toContain('cost.maxUnallocated is not checked by feature');
  });

  it('a margin that cannot be known is said before a request is paid for', async () => {
    const before = explorer.queries.length;
    const ran = await report(' --fail-on-negative-margin');
    expect([ran.code, ran.error().code, ran.error().next]).toEqual([
      2,
      'no_revenue',
      'export STRIPE_API_KEY=sk_test_…',
    ]);
    expect(explorer.queries.length).toBe(before);
  });
});

describe('cost tags', () => {
  /** Of the resources, each with its tags as given; billing knows every key and has activated `active`. */
  const findings = async (tags: readonly Record<string, string>[], active: readonly string[]) => {
    const server = createServer((request, response) => {
      const answers: Json = {
        GetResources: {
          ResourceTagMappingList: tags.map((of, at) => ({
            ResourceARN: `arn:aws:dynamodb:us-east-1:123456789012:table/local-${at}`,
            Tags: Object.entries(of).map(([Key, Value]) => ({ Key, Value })),
          })),
        },
        ListCostAllocationTags: {
          CostAllocationTags: ['saasctl-stack', 'saasctl-tenant', 'saasctl-feature'].map((TagKey) => ({
            TagKey,
            Status: active.includes(TagKey) ? 'Active' : 'Inactive',
          })),
        },
      };
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      const [, operation = ''] = String(request.headers['x-amz-target']).split('.');
      response.end(JSON.stringify(answers[operation] ?? {}));
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    vi.stubEnv('AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API', endpoint);
    vi.stubEnv('AWS_ENDPOINT_URL_COST_EXPLORER', endpoint);
    const ran = await project.cli('cost tags --profile prod --exit-code');
    server.closeAllConnections();
    await new Promise<void>((closed) => server.close(() => closed()));
    return ran;
  };

  it('counts one as one, and several as several', async () => {
    const ours = { 'saasctl-stack': 'local' };
    const stranger = { ...ours, 'saasctl-tenant': 'nobody' };
    const one = await findings([{}, stranger], ['saasctl-stack', 'saasctl-tenant']);
    expect(one.code).toBe(8);
    expect(one.stderr).toContain('1 resource is tagged, 1 lacks a tag\n');
    expect(one.stderr).toContain(
      '1 resource lacks a tag, 1 is tagged with no tenant, 1 key is not activated',
    );
    const two = await findings([{}, {}, stranger, stranger], ['saasctl-stack']);
    expect(two.stderr).toContain('2 resources are tagged, 2 lack a tag\n');
    expect(two.stderr).toContain(
      '2 resources lack a tag, 2 are tagged with no tenant, 2 keys are not activated',
    );
  });
});
