import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billCache } from '../../src/adapters/cost/cache.ts';
import { openCostExplorer } from '../../src/adapters/cost/cost-explorer.ts';
import { openTags } from '../../src/adapters/cost/tags.ts';
import { allocate } from '../../src/core/cost/allocate.ts';
import { DEFAULT_POLICY } from '../../src/core/cost/drivers.ts';
import type { Bill } from '../../src/core/cost/types.ts';
import { formatDecimal } from '../../src/core/decimal.ts';
import { tenant } from '../core/cost/bills.ts';
import { type Moto, startMoto } from './moto.ts';

const NOW = Date.parse('2026-11-02T10:00:00Z');
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };
let moto: Moto;
let folder: string;
beforeAll(async () => {
  moto = await startMoto();
  folder = await mkdtemp(join(tmpdir(), 'saasctl-moto-'));
});
afterAll(async () => {
  await moto?.stop();
  await rm(folder, { recursive: true });
});

const group = (Keys: string[], Amount: string, quantity?: string) => ({
  Keys,
  Metrics: {
    UnblendedCost: { Amount, Unit: 'USD' },
    ...(quantity === undefined ? {} : { UsageQuantity: { Amount: quantity, Unit: 'N/A' } }),
  },
});
const page = (Groups: unknown[], more: { NextPageToken?: string; Estimated?: boolean } = {}) => ({
  ResultsByTime: [
    {
      TimePeriod: { Start: '2026-10-01', End: '2026-11-01' },
      Total: {},
      Groups,
      Estimated: more.Estimated ?? false,
    },
  ],
  DimensionValueAttributes: [],
  ...(more.NextPageToken === undefined ? {} : { NextPageToken: more.NextPageToken }),
});

const DYNAMO = 'Amazon DynamoDB';
/** Five pages: `$` in a tag's value, an absent tag, exponents, a negative line, a month that is not final. */
const OCTOBER = [
  page(
    [
      group(['saasctl-tenant$', DYNAMO], '9.8750000012'),
      group(['saasctl-tenant$acme', DYNAMO], '2.6250000000'),
    ],
    { NextPageToken: 'two' },
  ),
  page([
    group(['saasctl-tenant$a$b$', DYNAMO], '1.5E-7'),
    group(['saasctl-tenant$', 'AWS Lambda'], '1.2165028600'),
  ]),
  page(
    [
      group([DYNAMO, 'TimedStorage-ByteHrs'], '9.8750000000', '39.5'),
      group([DYNAMO, 'WriteRequestUnits'], '1.2E-9', '3'),
    ],
    { NextPageToken: 'two' },
  ),
  page([group(['AWS Lambda', 'Lambda-GB-Second-ARM'], '1.2165028600', '91237')]),
  page(
    [
      group(['Usage', DYNAMO], '12.5000001512'),
      group(['Usage', 'AWS Lambda'], '1.2165028600'),
      group(['Credit', DYNAMO], '-2.5000000000'),
      group(['Tax', 'Tax'], '0.93'),
    ],
    { Estimated: true },
  ),
];

function explorer(now = NOW) {
  return openCostExplorer({
    account: '123456789012',
    tenantKey: 'saasctl-tenant',
    featureKey: 'saasctl-feature',
    metric: 'UnblendedCost',
    awsProfile: null,
    credentials: CREDENTIALS,
    endpoint: moto.endpoint,
    trace: null,
    maxRequests: 20,
    pause: async () => {},
    say: () => {},
    cache: billCache(folder, () => now),
    now: () => now,
  });
}

describe('moto’s Cost Explorer, with canned pages', () => {
  it('gives a bill that is allocated to the last digit, by 3 requests and one for each further page', async () => {
    await moto.answers(OCTOBER);
    const source = explorer();
    const [bill] = (await source.bills({ months: ['2026-10'], detail: 'services' })) as [Bill];
    expect(source.queryCost().requests).toBe(3 + 2);
    await source.close();
    expect(bill).toMatchObject({ currency: 'USD', estimated: true, dataThrough: '2026-11-02T10:00:00.000Z' });
    expect(formatDecimal(bill.total)).toBe('12.1465030112');
    expect(
      bill.lines.map(({ tenantTag, usageType, recordType, amount }) => [
        tenantTag,
        usageType,
        recordType,
        formatDecimal(amount),
      ]),
    ).toEqual([
      ['acme', null, 'usage', '2.625'],
      ['a$b$', null, 'usage', '0.00000015'],
      [null, 'TimedStorage-ByteHrs', 'usage', '9.875'],
      [null, 'WriteRequestUnits', 'usage', '0.0000000012'],
      [null, 'Lambda-GB-Second-ARM', 'usage', '1.21650286'],
      [null, null, 'credit', '-2.5'],
      [null, null, 'tax', '0.93'],
    ]);
    const { totals, unallocated, scale } = allocate({
      bill,
      tenants: [tenant('acme'), tenant('bolt')],
      usage: new Map([
        ['acme', { requests: 2n, compute_seconds: 1n, write_units: 1n, byte_hours: 5n }],
        ['bolt', { requests: 1n, compute_seconds: 2n, write_units: 2n, byte_hours: 1n }],
      ]),
      policy: DEFAULT_POLICY,
    });
    const sum = totals.direct + totals.allocated + totals.overhead + totals.unallocated;
    expect(formatDecimal({ units: sum, scale })).toBe('12.1465030112');
    // A fifth of DynamoDB's cost was credited, the stranger's part of it as well.
    expect(unallocated).toMatchObject([{ reason: 'unknown_tenant', tag: 'a$b$', units: 1200n }]);
  });

  it('is not asked again within hours, and is after them, since the month was not final', async () => {
    const warm = explorer(NOW + 3_600_000);
    expect(await warm.bills({ months: ['2026-10'], detail: 'services' })).toHaveLength(1);
    expect(warm.queryCost().requests).toBe(0);
    await warm.close();
    const final = [...OCTOBER.slice(0, -1), page([...(OCTOBER.at(-1)?.ResultsByTime[0]?.Groups ?? [])])];
    await moto.answers(final);
    const later = explorer(NOW + 7 * 3_600_000);
    expect(await later.bills({ months: ['2026-10'], detail: 'services' })).toMatchObject([
      { estimated: false },
    ]);
    expect(later.queryCost().requests).toBe(5);
    await later.close();
    const closed = explorer(NOW + 400 * 86_400_000);
    await closed.bills({ months: ['2026-10'], detail: 'services' });
    expect(closed.queryCost().requests).toBe(0);
    await closed.close();
  });
});

it('moto’s tagging API lists what has which tags', async () => {
  const dynamo = new DynamoDBClient({
    region: 'eu-central-1',
    endpoint: moto.endpoint,
    credentials: CREDENTIALS,
  });
  await dynamo.send(
    new CreateTableCommand({
      TableName: 'prod-app-data-acme',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'PK', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'PK', KeyType: 'HASH' }],
      Tags: [{ Key: 'saasctl-tenant', Value: 'acme' }],
    }),
  );
  dynamo.destroy();
  const source = openTags({
    region: 'eu-central-1',
    awsProfile: null,
    credentials: CREDENTIALS,
    endpoint: moto.endpoint,
    trace: null,
  });
  const found = [];
  for await (const resource of source.resources()) found.push(resource);
  await source.close();
  expect(found).toEqual([
    {
      arn: 'arn:aws:dynamodb:eu-central-1:123456789012:table/prod-app-data-acme',
      tags: { 'saasctl-tenant': 'acme' },
    },
  ]);
});
