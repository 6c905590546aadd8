// One sync as a process of its own, so that its CPU and memory are its own. Told by stdin (JSON), answers in JSON.
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { documentClient } from '../../src/adapters/dynamodb/client.ts';
import { ledgerStore } from '../../src/adapters/dynamodb/ledger-store.ts';
import { stripeSink } from '../../src/adapters/stripe/sink.ts';
import { inSmallHeap } from '../../src/adapters/young-heap.ts';
import type { LedgerStore } from '../../src/core/billing/ports.ts';
import type { Meter, Sink } from '../../src/core/billing/sink.ts';
import { syncUsage } from '../../src/core/billing/sync.ts';
import { CREDENTIALS, open, REGION, STACK } from '../adapters/tenancy.ts';

export interface SyncJob {
  endpoint: string;
  stripe: string;
  meters: Meter[];
  perSecond: number;
  /** Runs in a row; the first may have something to do. */
  runs: number;
  /** Tenants whose gates are read in batches after each run, to compare with. */
  gates: string[];
}

export interface SyncResult {
  ms: number;
  cpuMs: number;
  rssMb: number;
  sent: number;
  inflight: number;
  looked: number;
  readUnits: number;
  scans: number;
  /** Time spent waiting for each, added up over everything side by side, ms. */
  spent: Record<string, number>;
  gatesMs: number;
}

const job: SyncJob = JSON.parse(await text(process.stdin));
const settings = {
  region: REGION,
  endpoint: job.endpoint,
  credentials: CREDENTIALS,
  awsProfile: null,
  trace: null,
};
const client = documentClient(settings);
const writer = documentClient(settings, 1);
let readUnits = 0;
let scans = 0;
client.middlewareStack.add(
  (next, context) => async (args) => {
    if (context.commandName === 'ScanCommand') scans++;
    Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
    const result = await next(args);
    const { ConsumedCapacity } = result.output as { ConsumedCapacity?: unknown };
    for (const { CapacityUnits = 0 } of [ConsumedCapacity ?? []].flat() as { CapacityUnits?: number }[])
      readUnits += CapacityUnits;
    return result;
  },
  { step: 'initialize' },
);

const spent: Record<string, number> = {};
/** The same, with the time that each call takes added up. */
function timed<T extends object>(of: T, name: string): T {
  return new Proxy(of, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (typeof value !== 'function' || key === 'list') return value;
      return async (...args: unknown[]) => {
        const started = performance.now();
        try {
          return await value.apply(target, args);
        } finally {
          const label = `${name}.${String(key)}`;
          spent[label] = (spent[label] ?? 0) + performance.now() - started;
        }
      };
    },
  });
}

const store = await open(job.endpoint);
let rss = 0;
const watch = setInterval(() => {
  rss = Math.max(rss, process.memoryUsage().rss);
}, 100);
const results: SyncResult[] = [];
for (let run = 0; run < job.runs; run++) {
  const sink: Sink = stripeSink({
    apiKey: 'sk_test_standin',
    url: job.stripe,
    mode: 'test',
    perSecond: job.perSecond,
  });
  const ledger: LedgerStore = await inSmallHeap(async () => ledgerStore(client, () => writer, STACK))();
  [readUnits, scans] = [0, 0];
  const cpu = process.cpuUsage();
  const started = performance.now();
  const report = await syncUsage({
    ledger: timed(ledger, 'ledger'),
    sink: timed(sink, 'sink'),
    stack: STACK,
    meters: job.meters,
    finalInvoice: 'carry',
    clock: { now: Date.now, pause: (ms) => pause(ms) },
    runId: `bench-${run}`,
  });
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const begun = performance.now();
  if (job.gates.length > 0) await store.gates(job.gates);
  const { sent, inflight, looked } = report;
  results.push({
    ms,
    cpuMs: (user + system) / 1000,
    rssMb: rss / 2 ** 20,
    sent,
    inflight,
    looked,
    readUnits,
    scans,
    spent: { ...spent },
    gatesMs: performance.now() - begun,
  });
  await sink.close();
}
clearInterval(watch);
process.stdout.write(JSON.stringify(results));
await store.close();
client.destroy();
writer.destroy();
