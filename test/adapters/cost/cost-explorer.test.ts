import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { billCache } from '../../../src/adapters/cost/cache.ts';
import { type CostExplorerSettings, openCostExplorer } from '../../../src/adapters/cost/cost-explorer.ts';
import { explorerError } from '../../../src/adapters/cost/explorer-client.ts';
import { allocate } from '../../../src/core/cost/allocate.ts';
import { DEFAULT_POLICY } from '../../../src/core/cost/drivers.ts';
import type { Bill } from '../../../src/core/cost/types.ts';
import { formatDecimal } from '../../../src/core/decimal.ts';
import type { SaasctlError } from '../../../src/core/errors.ts';
import { tenant } from '../../core/cost/bills.ts';
import { type Charge, type ExplorerServer, startExplorer } from './explorer-server.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const TENANT = 'saasctl-tenant';
const FEATURE = 'saasctl-feature';

const october: Charge[] = [
  {
    month: '2026-10',
    amount: '2.6250000000',
    service: 'Amazon DynamoDB',
    tags: { [TENANT]: 'acme', [FEATURE]: 'api' },
  },
  { month: '2026-10', amount: '1.25', service: 'Amazon DynamoDB', tags: { [TENANT]: 'we$ird$' } },
  {
    month: '2026-10',
    amount: '9.875',
    service: 'Amazon DynamoDB',
    usageType: 'TimedStorage-ByteHrs',
    quantity: '39.5',
  },
  { month: '2026-10', amount: '1.2E-9', service: 'AWS CloudTrail', usageType: 'DataEvents' },
  {
    month: '2026-10',
    amount: '3.0412570000',
    service: 'Amazon API Gateway',
    usageType: 'ApiGatewayHttpRequest',
    quantity: '3041257',
    tags: { [FEATURE]: 'api' },
  },
  { month: '2026-10', amount: '29.0000000000', service: 'AWS Support (Developer)' },
  { month: '2026-10', amount: '-2.5', service: 'Amazon DynamoDB', recordType: 'Credit' },
  { month: '2026-10', amount: '3.8126400000', service: 'Tax', recordType: 'Tax' },
];

let server: ExplorerServer;
let folder: string;
let now = NOW;
let waited: number;
let said: string[];

beforeEach(async () => {
  server = await startExplorer([...october]);
  folder = await mkdtemp(join(tmpdir(), 'saasctl-ce-'));
  now = NOW;
  waited = 0;
  said = [];
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** A run of the tool: its own client, the folder of all of them. */
function open(more: Partial<CostExplorerSettings> = {}) {
  const cache = billCache(folder, () => now);
  return openCostExplorer({
    account: '111122223333',
    tenantKey: TENANT,
    featureKey: FEATURE,
    metric: 'UnblendedCost',
    awsProfile: null,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    endpoint: server.endpoint,
    trace: null,
    maxRequests: 50,
    pause: async (ms) => {
      waited += ms;
    },
    say: (text) => said.push(text),
    cache,
    now: () => now,
    ...more,
  });
}

const ask = async (
  months: string[],
  more: Partial<CostExplorerSettings> = {},
  detail: 'services' | 'features' = 'services',
) => {
  const source = open(more);
  try {
    const bills = await source.bills({ months, detail });
    return {
      bills,
      requests: source.queryCost().requests,
      cost: formatDecimal(source.queryCost().amount),
      notes: source.notes(),
    };
  } finally {
    await source.close();
  }
};
const failure = async (promise: Promise<unknown>): Promise<SaasctlError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: SaasctlError) => error,
  );
const plainLines = ({ lines }: Bill) =>
  lines.map(({ amount, quantity, ...rest }) => ({
    ...rest,
    amount: formatDecimal(amount),
    quantity: quantity && formatDecimal(quantity),
  }));

describe('a month of Cost Explorer', () => {
  it('is what three queries say, with tags as they are and kinds apart', async () => {
    const { bills, requests, cost } = await ask(['2026-10']);
    expect([requests, cost]).toEqual([3, '0.03']);
    const [bill] = bills as [Bill];
    expect(formatDecimal(bill.total)).toBe('47.1038970012');
    expect(plainLines(bill)).toMatchInlineSnapshot(`
      [
        {
          "amount": "2.625",
          "feature": null,
          "quantity": null,
          "recordType": "usage",
          "service": "Amazon DynamoDB",
          "tenantTag": "acme",
          "usageType": null,
        },
        {
          "amount": "1.25",
          "feature": null,
          "quantity": null,
          "recordType": "usage",
          "service": "Amazon DynamoDB",
          "tenantTag": "we$ird$",
          "usageType": null,
        },
        {
          "amount": "9.875",
          "feature": null,
          "quantity": "39.5",
          "recordType": "usage",
          "service": "Amazon DynamoDB",
          "tenantTag": null,
          "usageType": "TimedStorage-ByteHrs",
        },
        {
          "amount": "0.0000000012",
          "feature": null,
          "quantity": "0",
          "recordType": "usage",
          "service": "AWS CloudTrail",
          "tenantTag": null,
          "usageType": "DataEvents",
        },
        {
          "amount": "3.041257",
          "feature": null,
          "quantity": "3041257",
          "recordType": "usage",
          "service": "Amazon API Gateway",
          "tenantTag": null,
          "usageType": "ApiGatewayHttpRequest",
        },
        {
          "amount": "29",
          "feature": null,
          "quantity": "0",
          "recordType": "support",
          "service": "AWS Support (Developer)",
          "tenantTag": null,
          "usageType": "NoUsageType",
        },
        {
          "amount": "-2.5",
          "feature": null,
          "quantity": null,
          "recordType": "credit",
          "service": "Amazon DynamoDB",
          "tenantTag": null,
          "usageType": null,
        },
        {
          "amount": "3.81264",
          "feature": null,
          "quantity": null,
          "recordType": "tax",
          "service": "Tax",
          "tenantTag": null,
          "usageType": null,
        },
      ]
    `);
    expect(bill).toMatchObject({
      month: '2026-10',
      currency: 'USD',
      estimated: false,
      dataThrough: '2026-11-01T00:00:00.000Z',
      accounts: ['111122223333'],
    });
  });

  it('has no service with the features of tenants: two groups are the most that can be asked', async () => {
    const [bill] = (await ask(['2026-10'], {}, 'features')).bills as [Bill];
    const direct = plainLines(bill).filter(({ tenantTag }) => tenantTag !== null);
    expect(direct.map(({ tenantTag, feature, service }) => [tenantTag, feature, service])).toEqual([
      ['acme', 'api', null],
      ['we$ird$', null, null],
    ]);
    expect(plainLines(bill).find(({ service }) => service === 'Amazon API Gateway')?.feature).toBe('api');
    expect(formatDecimal(bill.total)).toBe('47.1038970012');
  });

  it('takes a request a page, and none once it is closed and kept', async () => {
    server.pageSize = 2;
    const first = await ask(['2026-10']);
    // Six groups by tenant, four without one, six kinds: pages of two.
    expect(first.requests).toBe(3 + 2 + 3);
    const again = await ask(['2026-10']);
    expect(again.requests).toBe(0);
    expect(again.bills).toEqual(first.bills);
    now += 400 * 86_400_000;
    expect((await ask(['2026-10'])).requests).toBe(0);
  });

  it('asks for months that follow each other together, and for those that are missing alone', async () => {
    for (const month of ['2026-07', '2026-08', '2026-09'])
      server.charges.push({ month, amount: '1.5', service: 'AWS Lambda', usageType: 'Request' });
    expect((await ask(['2026-09'])).requests).toBe(3);
    const { bills, requests } = await ask(['2026-07', '2026-08', '2026-09', '2026-10']);
    expect(requests).toBe(6);
    expect(bills.map(({ month, total }) => [month, formatDecimal(total)])).toEqual([
      ['2026-07', '1.5'],
      ['2026-08', '1.5'],
      ['2026-09', '1.5'],
      ['2026-10', '47.1038970012'],
    ]);
    expect(server.queries.map(({ TimePeriod }) => `${TimePeriod.Start} ${TimePeriod.End}`)).toContain(
      '2026-07-01 2026-09-01',
    );
  });

  it('is asked for again after hours while it is open, and never beyond tomorrow', async () => {
    server.charges.push({ month: '2026-11', amount: '5', service: 'AWS Lambda', usageType: 'Request' });
    server.estimated.add('2026-11');
    const { bills } = await ask(['2026-11']);
    expect(bills[0]).toMatchObject({ estimated: true, dataThrough: '2026-11-22T10:00:00.000Z' });
    expect(server.queries[0]?.TimePeriod).toEqual({ Start: '2026-11-01', End: '2026-11-23' });
    now += 5 * 3_600_000;
    expect((await ask(['2026-11'])).requests).toBe(0);
    now += 2 * 3_600_000;
    expect((await ask(['2026-11'])).requests).toBe(3);
  });

  it('may differ by what Cost Explorer rounds, which is then shared like overhead', async () => {
    server.charges.push({ month: '2026-10', amount: '0.00000000005', service: 'AWS Lambda', usageType: 'A' });
    let requests = 0;
    server.before = () => {
      requests++;
      const [last] = server.charges.slice(-1);
      if (requests === 3 && last !== undefined) last.amount = '0.0000000001';
    };
    const [bill] = (await ask(['2026-10'])).bills as [Bill];
    expect(plainLines(bill).filter(({ service }) => service === null)).toMatchObject([
      { amount: '0.00000000005' },
    ]);
    const lines = plainLines(bill).reduce((sum, { amount }) => sum + Number(amount), 0);
    expect(lines).toBeCloseTo(Number(formatDecimal(bill.total)), 9);
  });

  it('is no bill where the answer leaves it out, and the others that were paid for are kept', async () => {
    const error = await failure(ask(['2026-09', '2026-10']));
    expect(error).toMatchObject({ code: 'no_bill', exitCode: 3 });
    expect(error.message).toContain('2026-09');
    expect((await ask(['2026-10'])).requests).toBe(0);
    server.charges.push({ month: '2026-09', amount: '7', service: 'AWS Lambda', usageType: 'Request' });
    const [september] = (await ask(['2026-09'])).bills as [Bill];
    expect(formatDecimal(september.total)).toBe('7');
  });

  it.each([false, true])(
    'is not kept while nothing is in it (estimated: %s): what comes later is seen',
    async (open) => {
      server.empty.add('2026-09');
      if (open) server.estimated.add('2026-09');
      const [nothing] = (await ask(['2026-09'])).bills as [Bill];
      expect(formatDecimal(nothing.total)).toBe('0');
      server.charges.push({ month: '2026-09', amount: '7', service: 'AWS Lambda', usageType: 'Request' });
      const [september] = (await ask(['2026-09'])).bills as [Bill];
      expect(formatDecimal(september.total)).toBe('7');
    },
  );

  it('is refused with an amount that is no money', async () => {
    server.charges.push({ month: '2026-10', amount: '99999999999999999999', service: 'AWS Lambda' });
    const error = await failure(ask(['2026-10']));
    expect(error).toMatchObject({ code: 'not_aws', exitCode: 6 });
    expect(error.message).toContain('99999999999999999999');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused where its amounts together are no money', async () => {
    for (const amount of ['5000000000000', '-5000000000000'])
      server.charges.push({ month: '2026-10', amount, service: `S${amount}` });
    expect(await failure(ask(['2026-10']))).toMatchObject({ code: 'not_aws', exitCode: 6 });
  });

  it('is refused where it changed between two queries, and not kept', async () => {
    let requests = 0;
    server.before = () => {
      requests++;
      if (requests === 3) server.charges.push({ month: '2026-10', amount: '0.01', service: 'AWS Lambda' });
    };
    const error = await failure(ask(['2026-10']));
    expect(error).toMatchObject({ code: 'cost_does_not_add_up', exitCode: 6, retryable: true });
    expect(error.message).toContain('0.01 apart');
    expect(await readdir(folder)).toEqual([]);
    expect((await ask(['2026-10'])).requests).toBe(3);
  });
});

it('calls of a tenant with an API of its own are on neither side of the drift', async () => {
  const api = { month: '2026-09', service: 'Amazon API Gateway', usageType: 'USE1-ApiGatewayHttpRequest' };
  server.charges.push(
    { ...api, amount: '0.1', quantity: '1010' },
    { ...api, amount: '0.5', quantity: '5000', tags: { [TENANT]: 'silo' } },
  );
  const [september] = (await ask(['2026-09'])).bills as [Bill];
  const { drift } = allocate({
    bill: september,
    tenants: [tenant('pooled'), tenant('silo')],
    usage: new Map([
      ['pooled', { requests: 1000n }],
      ['silo', { requests: 5000n }],
    ]),
    policy: DEFAULT_POLICY,
  });
  expect(drift).toEqual({ metered: 1000n, billed: 1010n });
});

describe('what is kept of closed months', () => {
  it('is asked for again by a fresh run, which is then what is kept', async () => {
    await ask(['2026-10']);
    server.charges.push({ month: '2026-10', amount: '1', service: 'AWS Lambda', tags: { [TENANT]: 'late' } });
    const fresh = await ask(['2026-10'], { fresh: true });
    expect(fresh.requests).toBe(3);
    expect(plainLines(fresh.bills[0] as Bill).some(({ tenantTag }) => tenantTag === 'late')).toBe(true);
    expect(await ask(['2026-10'])).toMatchObject({ requests: 0, bills: fresh.bills });
  });

  const keptFile = async () => join(folder, (await readdir(folder))[0] ?? '');

  it('is of one account, one tag, one detail and one endpoint', async () => {
    await ask(['2026-10']);
    expect((await ask(['2026-10'], { account: '444455556666' })).requests).toBe(3);
    expect((await ask(['2026-10'], { tenantKey: 'customer' })).requests).toBe(3);
    expect((await ask(['2026-10'], {}, 'features')).requests).toBe(3);
    const elsewhere = billCache(folder, () => now, 'http://127.0.0.1:4566');
    expect((await ask(['2026-10'], { cache: elsewhere })).requests).toBe(3);
    expect((await ask(['2026-10'])).requests).toBe(0);
    expect(await readdir(folder)).toHaveLength(5);
  });

  it.each([1, 100, 300, 700])(
    'is asked for again, and said, where a file was cut short after %i bytes',
    async (length) => {
      const { bills } = await ask(['2026-10']);
      const file = await keptFile();
      await writeFile(file, (await readFile(file)).subarray(0, length));
      const again = await ask(['2026-10']);
      expect(again.requests).toBe(3);
      expect(again.bills).toEqual(bills);
      expect(again.notes.join()).toContain('is damaged: 2026-10 was asked for again');
      expect((await ask(['2026-10'])).requests).toBe(0);
    },
  );

  it('is whole or not there: what a killed run left half-written is never read', async () => {
    const { bills } = await ask(['2026-10']);
    const file = await keptFile();
    const whole = await readFile(file);
    await rm(file);
    await writeFile(`${file}.3f6c.tmp`, whole.subarray(0, 500));
    const again = await ask(['2026-10']);
    expect([again.requests, again.notes]).toEqual([3, []]);
    expect((await ask(['2026-10'])).bills).toEqual(bills);
  });

  it('is asked for again where an amount in it was changed', async () => {
    await ask(['2026-10']);
    const file = await keptFile();
    await writeFile(file, (await readFile(file, 'utf8')).replace('26250000000', '26250000001'));
    expect((await ask(['2026-10'])).requests).toBe(3);
  });

  it('of another account is never used, even under the right name', async () => {
    await ask(['2026-10'], { account: '444455556666' });
    const foreign = await keptFile();
    await ask(['2026-10']);
    const [own = ''] = (await readdir(folder))
      .map((name) => join(folder, name))
      .filter((file) => file !== foreign);
    await rename(foreign, own);
    const again = await ask(['2026-10']);
    expect(again.requests).toBe(3);
    expect(again.notes.join()).toContain('is of account 444455556666, not 111122223333');
  });

  it('does not keep a report from being made where the folder cannot be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const { bills, notes } = await ask(['2026-10'], { cache: billCache(join(file, 'cache'), () => now) });
    expect(bills).toHaveLength(1);
    expect(notes.join()).toContain('cannot keep 2026-10');
  });
});

describe('when Cost Explorer does not answer well', () => {
  const THROTTLED = { status: 400, type: 'LimitExceededException', message: 'You made too many calls' };

  it('waits out a minute of throttling, says so once, and is not charged for it', async () => {
    server.failures = Array.from({ length: 7 }, () => THROTTLED);
    const { requests } = await ask(['2026-10']);
    expect(requests).toBe(3);
    expect(waited).toBeGreaterThan(60_000);
    expect(said).toEqual(['Cost Explorer is throttling: waiting and trying again for up to 2 min']);
  });

  it('gives up after two minutes', async () => {
    server.failures = Array.from({ length: 50 }, () => THROTTLED);
    expect(await failure(ask(['2026-10']))).toMatchObject({
      code: 'aws_throttled',
      exitCode: 6,
      retryable: true,
    });
    expect(waited).toBeLessThanOrEqual(120_000);
  });

  it('never sends more requests than it may', async () => {
    server.pageSize = 1;
    expect(await failure(ask(['2026-10'], { maxRequests: 4 }))).toMatchObject({
      code: 'too_many_requests',
      exitCode: 2,
    });
    expect(server.queries).toHaveLength(4);
  });

  it.each([
    ['AccessDeniedException', 'User is not authorized to perform: ce:GetCostAndUsage', 'aws_denied', 4],
    [
      'DataUnavailableException',
      'Data is not available. Please try to adjust the time period',
      'cost_explorer_off',
      2,
    ],
    ['ValidationException', 'You haven’t enabled historical data beyond 14 months', 'no_bill', 3],
  ])('%s: %s', async (type, message, code, exitCode) => {
    server.failures = [{ status: 400, type, message }];
    const error = await failure(ask(['2026-10']));
    expect(error).toMatchObject({ code, exitCode });
    expect(error.next).toMatch(/^saasctl /);
    expect(server.queries).toHaveLength(0);
  });

  it('a denial names the permission that AWS names', () => {
    const denied = Object.assign(
      new Error('User: ci is not authorized to perform: ce:ListCostAllocationTags'),
      {
        name: 'AccessDeniedException',
      },
    );
    expect(explorerError(denied).hint).toContain('needs ce:ListCostAllocationTags');
    denied.message = 'Access denied';
    expect(explorerError(denied).hint).toContain('needs ce:GetCostAndUsage');
  });

  it('begins a query again where the data changed below its pages', async () => {
    server.pageSize = 2;
    server.failures = [
      { status: 400, type: 'RequestChangedException', message: 'Your request parameters changed' },
    ];
    expect((await ask(['2026-10'])).bills).toHaveLength(1);
  });

  it('tries a broken answer again, a few times', async () => {
    server.failures = [{ status: 500, type: 'InternalFailure', message: 'oops' }];
    expect((await ask(['2026-10'])).requests).toBe(4);
    server.charges.push({ month: '2026-09', amount: '1', service: 'AWS Lambda' });
    server.failures = Array.from({ length: 3 }, () => ({
      status: 503,
      type: 'ServiceUnavailable',
      message: '',
    }));
    expect(await failure(ask(['2026-09']))).toMatchObject({ category: 'remote', exitCode: 6 });
  });

  it('tries an answer that was cut short again, and then it is no bug of the tool', async () => {
    server.failures = ['cut short'];
    expect((await ask(['2026-10'])).requests).toBe(4);
    server.charges.push({ month: '2026-09', amount: '1', service: 'AWS Lambda' });
    server.failures = ['cut short', 'cut short', 'cut short'];
    expect(await failure(ask(['2026-09']))).toMatchObject({
      code: 'aws_unavailable',
      message: expect.stringContaining('in the middle of the answer'),
      exitCode: 6,
      retryable: true,
    });
  });
});
