// Cost, measured: the allocation of a large stack from kept months, and a large FOCUS file, each as a process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { build } from 'esbuild';
import { billCache } from '../../src/adapters/cost/cache.ts';
import type { Bill, CostLine } from '../../src/core/cost/types.ts';
import { atMost, exactly, type Figure } from './figure.ts';
import type { World } from './world.ts';

export const TENANTS = Number(process.env['SAASCTL_BENCH_TENANTS'] ?? 10_000);
const MONTHS = 12;
/** Of CSV. */
const FOCUS_MB = Number(process.env['SAASCTL_BENCH_FOCUS_MB'] ?? 100);

export async function costFigures({ root }: Pick<World, 'root'>): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'saasctl-bench-cost-'));
  try {
    const probe = await bundled(root, dir);
    return [...(await warmFigures(probe, dir)), ...(await focusFigures(probe, dir))];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The part of the tool that is measured, as a script of its own. */
async function bundled(root: string, dir: string): Promise<string> {
  const outfile = join(dir, 'probe.mjs');
  await build({
    entryPoints: [join(root, 'test', 'bench', 'cost-probe.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.17',
    format: 'esm',
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
  return outfile;
}

interface Probe {
  seconds: number;
  megabytes: number;
  rows: number;
  apart: number;
}

async function probed(probe: string, args: readonly string[]): Promise<Probe> {
  const child = spawn(process.execPath, [probe, ...args], {
    env: { PATH: process.env['PATH'], AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the probe ended with ${code}`);
  return JSON.parse(said) as Probe;
}

const monthOf = (at: number): string => `2026-${String(at + 1).padStart(2, '0')}`;

async function warmFigures(probe: string, dir: string): Promise<Figure[]> {
  const folder = join(dir, 'cache');
  const cache = billCache(folder, () => Date.parse('2027-02-01'));
  for (let at = 0; at < MONTHS; at++) {
    const month = monthOf(at);
    await cache.write(
      {
        source: 'ce',
        account: '111122223333',
        tenantKey: 'saasctl-tenant',
        featureKey: 'saasctl-feature',
        metric: 'UnblendedCost',
        detail: 'services',
        month,
      },
      largeBill(month),
    );
  }
  const { seconds, megabytes, rows, apart } = await probed(probe, [
    'warm',
    folder,
    String(TENANTS),
    String(MONTHS),
  ]);
  return [
    exactly(`cost: rows of ${TENANTS} tenants × ${MONTHS} months`, rows, TENANTS * MONTHS),
    exactly('cost: cents between the rows and the bills', apart, 0),
    atMost('cost: warm cache to rows', seconds, 2, `${seconds.toFixed(2)} s`, ' s'),
    atMost('cost: warm cache, peak resident memory', megabytes, 300, `${megabytes.toFixed(0)} MB`, ' MB'),
  ];
}

const SHARED = [
  ['Amazon DynamoDB', 'WriteRequestUnits'],
  ['Amazon DynamoDB', 'ReadRequestUnits'],
  ['Amazon DynamoDB', 'TimedStorage-ByteHrs'],
  ['AWS Lambda', 'Lambda-GB-Second-ARM'],
  ['AWS Lambda', 'Request-ARM'],
  ['Amazon API Gateway', 'ApiGatewayHttpRequest'],
  ['AmazonCloudWatch', 'DataProcessing-Bytes'],
  ['Amazon Simple Storage Service', 'TimedStorage-ByteHrs'],
  ['AWS Key Management Service', 'KMS-Requests'],
  ['Amazon Route 53', 'HostedZone'],
] as const;

/** A tenth of the tenants have a table of their own. */
export function largeBill(month: string): Bill {
  const line = (units: bigint, more: Partial<CostLine>): CostLine => ({
    amount: { units, scale: 10 },
    service: null,
    usageType: null,
    feature: null,
    tenantTag: null,
    recordType: 'usage',
    quantity: null,
    ...more,
  });
  const lines = [
    ...SHARED.map(([service, usageType], at) =>
      line(1_234_567_890_123n * BigInt(at + 1), { service, usageType }),
    ),
    ...Array.from({ length: TENANTS / 10 }, (_, at) =>
      line(5_700_000_001n + BigInt(at), {
        service: 'Amazon DynamoDB',
        tenantTag: `tenant-${String(at * 10).padStart(5, '0')}`,
      }),
    ),
  ];
  return {
    month,
    currency: 'USD',
    lines,
    total: { units: lines.reduce((sum, { amount }) => sum + amount.units, 0n), scale: 10 },
    estimated: false,
    dataThrough: null,
    accounts: ['111122223333'],
  };
}

async function focusFigures(probe: string, dir: string): Promise<Figure[]> {
  const file = join(dir, 'focus.csv.gz');
  const rows = await writeFocus(file);
  const { size } = await stat(file);
  const counted = await counting(file);
  const { seconds, megabytes, apart } = await probed(probe, ['focus', file]);
  const name = `FOCUS, ${FOCUS_MB} MB of CSV (${rows} rows, ${(size / 1e6).toFixed(0)} MB gzip)`;
  return [
    exactly(`${name}: units between its lines and its total`, apart, 0),
    atMost(`${name}: peak resident memory`, megabytes, 150, `${megabytes.toFixed(0)} MB`, ' MB'),
    atMost(
      `${name}: time against gzip -dc | wc -l`,
      seconds / counted,
      30,
      `${(seconds / counted).toFixed(1)} × (${seconds.toFixed(1)} s)`,
      ' ×',
    ),
  ];
}

async function counting(file: string): Promise<number> {
  const started = performance.now();
  const child = spawn('sh', ['-c', 'gzip -dc "$0" | wc -l', file], { stdio: 'ignore' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error('gzip -dc | wc -l failed');
  return (performance.now() - started) / 1000;
}

const HEADER =
  'BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodEnd,BillingPeriodStart,ChargeCategory,ChargeClass,ChargeDescription,ChargePeriodEnd,ChargePeriodStart,ConsumedQuantity,ContractedCost,EffectiveCost,InvoiceIssuerName,ListCost,PricingQuantity,PricingUnit,ProviderName,PublisherName,ResourceId,ServiceCategory,ServiceName,Tags,x_UsageType\n';

/** Hours of many resources, quoted and tagged as exports are. */
async function writeFocus(file: string): Promise<number> {
  let rows = 0;
  async function* text() {
    yield HEADER;
    let size = 0;
    while (size < FOCUS_MB * 1e6) {
      let chunk = '';
      for (let at = 0; at < 2_000; at++) chunk += rowOf(rows++);
      size += chunk.length;
      yield chunk;
    }
  }
  await pipeline(text(), createGzip({ level: 1 }), createWriteStream(file));
  return rows;
}

function rowOf(row: number): string {
  const [service, usageType] = SHARED[row % SHARED.length] ?? SHARED[0];
  const tenant =
    row % 3 === 0 ? `""saasctl-tenant"": ""tenant-${String(row % TENANTS).padStart(5, '0')}"", ` : '';
  const hour = String(row % 24).padStart(2, '0');
  const cost = `0.${String((row * 7919) % 1_000_000_000_00).padStart(11, '0')}`;
  return `${cost},111122223333,"Example, Inc.",USD,2026-02-01 00:00:00,2026-01-01 00:00:00,Usage,NULL,"$0.25 per GB-month, ""first"" tier",2026-01-15 ${hour}:59:59,2026-01-15 ${hour}:00:00,${row % 977},${cost},${cost},"Amazon Web Services, Inc.",${cost},${row % 977},GB-Mo,AWS,AWS,arn:aws:dynamodb:us-east-1:111122223333:table/app-${row % 5000},Databases,${service},"{${tenant}""saasctl-stack"": ""prod"", ""team"": ""core""}",USE1-${usageType}\n`;
}
