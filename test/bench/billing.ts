import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { build } from 'esbuild';
import { documentClient } from '../../src/adapters/dynamodb/client.ts';
import { profileItem } from '../../src/adapters/dynamodb/items.ts';
import { headItem } from '../../src/adapters/dynamodb/ledger-items.ts';
import { sweepMark } from '../../src/core/billing/counter.ts';
import type { LedgerScope } from '../../src/core/billing/ledger.ts';
import type { Meter } from '../../src/core/billing/sink.ts';
import { tableName } from '../../src/core/schema.ts';
import { createTenant } from '../../src/core/tenants/mutations.ts';
import { dayOf } from '../../src/core/time.ts';
import { CREDENTIALS, REGION, STACK } from '../adapters/tenancy.ts';
import type { SyncJob, SyncResult } from './billing-sync.ts';
import { atMost, exactly, type Figure } from './figure.ts';
import { PLAN, type World } from './world.ts';

const METERS: Meter[] = [
  { metric: 'api_calls', eventName: 'api_calls', measure: 'sum', scale: 0 },
  { metric: 'compute_seconds', eventName: 'compute_seconds', measure: 'sum', scale: 3 },
  { metric: 'pages', eventName: 'pages', measure: 'sum', scale: 0 },
];
const [CALLS] = METERS as [Meter];

export interface Sizes {
  /** Tenants with three meters each, at a cap of 200 events a second. */
  capped: number;
  /** The same at 1,000 a second. */
  many: number;
  /** Tenants without anything to do. */
  idle: number;
}
export const SHORT: Sizes = { capped: 1000, many: 1000, idle: 10_000 };
export const FULL: Sizes = { capped: 2000, many: 10_000, idle: 10_000 };

/** What a sync takes: beside the cap, of CPU and memory, and when there is nothing to do. */
export async function billingFigures({ root, endpoint }: World, sizes = SHORT): Promise<Figure[]> {
  const dir = join(root, 'node_modules', '.cache', `saasctl-billing-${process.pid}`);
  await build({
    entryPoints: ['billing-sync', 'billing-stripe'].map((name) => join(root, 'test', 'bench', `${name}.ts`)),
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20.17',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
  const settings = { region: REGION, endpoint, credentials: CREDENTIALS, awsProfile: null, trace: null };
  const client = documentClient(settings);
  try {
    const capped = await atCap({ dir, endpoint, client }, 'cap', sizes.capped, 200);
    // Below a thousand it is the start of the process that is measured.
    const few =
      sizes.many < 10_000 ? null : await atCap({ dir, endpoint, client }, 'few', sizes.many / 10, 1000);
    const many = await atCap({ dir, endpoint, client }, 'many', sizes.many, 1000);
    const events = sizes.capped * METERS.length;
    const others = [capped, few, many].flatMap((one) => one?.ids ?? []);
    const quiet = await idle({ dir, endpoint, client }, sizes.idle, others);
    const looked = Math.max(...quiet.map((one) => one.looked));
    // Each run against the reading right after it: what else the machine does slows down both.
    const ratios = quiet.map(({ ms, gatesMs }) => ms / gatesMs).sort((a, b) => a - b);
    const ratio = ratios[Math.floor(ratios.length / 2)] ?? Number.NaN;
    const perTenant = (quiet.at(-1)?.readUnits ?? 0) / looked;
    return [
      exactly(`${events} events: delivered`, capped.result.sent, events),
      atMost(
        `${events} events at 200/s, 50 ms each: time over events / cap`,
        capped.ratio,
        1.15,
        capped.ratio.toFixed(2),
      ),
      exactly(`${sizes.many * 3} events: delivered`, many.result.sent, sizes.many * 3),
      {
        name: `${sizes.many * 3} events at 1000/s, 50 ms each: time over events / cap`,
        value: many.ratio.toFixed(2),
        bound: 'shown',
        ok: true,
      },
      atMost('  our own CPU an event', many.cpu, 3, `${many.cpu.toFixed(2)} ms`, ' ms'),
      atMost('  memory at most', many.result.rssMb, 200, `${Math.round(many.result.rssMb)} MB`, ' MB'),
      ...(few === null ? [] : [flat(many.result.rssMb / few.result.rssMb)]),
      exactly(`${looked} tenants with nothing to do: scans`, quiet.at(-1)?.scans ?? -1, 0),
      atMost('  read units a tenant', perTenant, 1.5, perTenant.toFixed(2)),
      atMost(
        '  time over that of reading the gates in batches',
        ratio,
        1.3,
        `${ratio.toFixed(2)} (${ratios.map((one) => one.toFixed(2)).join(', ')})`,
      ),
    ];
  } finally {
    client.destroy();
    await rm(dir, { recursive: true, force: true });
  }
}

const flat = (ratio: number): Figure =>
  atMost('  memory over that with a tenth of the tenants', ratio, 1.3, ratio.toFixed(2));

/** Tenants that are settled already: their usage is what their heads say. The first of the runs warms up. */
async function idle(
  { dir, endpoint, client }: Place,
  count: number,
  others: readonly string[],
): Promise<SyncResult[]> {
  return withStripe(dir, 0, 1000, async (stripe) => {
    const response = await fetch(`${stripe}/v1/account`, { headers: { authorization: `Bearer ${KEY}` } });
    const { id: account } = (await response.json()) as { id: string };
    const scope = { stack: STACK, sink: 'stripe', account, mode: 'test' } as const;
    const gates = [...others, ...(await seed(client, 'idle', count, scope))];
    const job = { endpoint, stripe, meters: [CALLS], perSecond: 1000, runs: 12, gates };
    return (await sync(dir, job)).slice(1);
  });
}

const KEY = 'sk_test_standin';

interface Place {
  dir: string;
  endpoint: string;
  client: DynamoDBDocumentClient;
}

async function atCap({ dir, endpoint, client }: Place, name: string, tenants: number, cap: number) {
  const ids = await seed(client, name, tenants);
  // Earlier tenants are settled: what this run does is about the new ones.
  const [result] = await withStripe(dir, 50, cap, (stripe) =>
    sync(dir, { endpoint, stripe, meters: METERS, perSecond: cap, runs: 1, gates: [] }),
  );
  if (result === undefined) throw new Error('the sync said nothing');
  const floorMs = (tenants * METERS.length * 1000) / cap;
  if (process.env['BENCH_SPENT']) process.stderr.write(`${name} ${JSON.stringify(result)}\n`);
  return { ids, result, ratio: result.ms / floorMs, cpu: result.cpuMs / (tenants * METERS.length) };
}

/** Active tenants with usage of today on their gates and among what is recorded. */
async function seed(
  client: DynamoDBDocumentClient,
  name: string,
  count: number,
  settled: LedgerScope | null = null,
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, at) => `${name}-${String(at).padStart(5, '0')}`);
  const now = Date.now();
  const day = dayOf(now);
  const batches: string[][] = [];
  for (let at = 0; at < ids.length; at += 25) batches.push(ids.slice(at, at + 25));
  const write = async (table: 'tenants' | 'gates' | 'usageMeters', items: object[]) => {
    const requests = items.map((Item) => ({ PutRequest: { Item: Item as Record<string, unknown> } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [tableName(STACK, table)]: requests } }));
  };
  for (const batch of batches) {
    const made = batch.map((id) =>
      createTenant(null, id, { stripeCustomerId: `cus_${id}` }, { plan: PLAN, ifNotExists: false, now }),
    );
    const gates = made.flatMap(({ gate: [edit] }) =>
      edit?.edit === 'create' ? [{ ...edit.gate, u: { [day]: 5, [`${day}.c`]: 1500 } }] : [],
    );
    const recorded = batch.map((id) => ({ PK: `TENANT#${id}`, SK: `USAGE#${day}#pages`, amount: 7 }));
    if (settled !== null) {
      const heads = batch.map((tenantId) =>
        headItem(settled, {
          tenantId,
          swept: sweepMark(now),
          settled: { api_calls: { [day]: 5 } },
          open: [],
        }),
      );
      await write('tenants', heads);
    }
    await Promise.all([
      write(
        'tenants',
        made.map(({ after }) => profileItem(after)),
      ),
      write('gates', gates),
      write('usageMeters', recorded),
    ]);
  }
  return ids;
}

async function withStripe<T>(
  dir: string,
  latencyMs: number,
  perSecond: number,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const child = start(dir, 'billing-stripe', { latencyMs, perSecond });
  try {
    const [url] = await once(child.stdout ?? child, 'data');
    return await work(String(url).trim());
  } finally {
    child.kill();
  }
}

async function sync(dir: string, job: SyncJob): Promise<SyncResult[]> {
  const child = start(dir, 'billing-sync', job);
  let said = '';
  child.stdout?.on('data', (text) => {
    said += text;
  });
  await once(child, 'close');
  return JSON.parse(said);
}

function start(dir: string, name: string, job: object): ChildProcess {
  const child = spawn(process.execPath, [join(dir, `${name}.mjs`)], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(job));
  return child;
}
