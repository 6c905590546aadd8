// The built tool on a stack of ten thousand tenants and a year of bills and usage: cold, then with everything kept.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { billCache } from '../../src/adapters/cost/cache.ts';
import { monthOf } from '../../src/core/time.ts';
import { STACK } from '../adapters/tenancy.ts';
import { largeBill, TENANTS } from './cost.ts';
import { fillStack } from './cost-stack.ts';
import { atMost, exactly, type Figure } from './figure.ts';
import type { World } from './world.ts';

const MONTHS = 12;
const ACCOUNT = '123456789012';
const RUNS = 5;

export async function costToolFigures({ root, dir, endpoint }: World): Promise<Figure[]> {
  const now = Date.now();
  const today = new Date(now);
  const months = Array.from({ length: MONTHS }, (_, at) =>
    monthOf(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - MONTHS + at, 1)),
  );
  await fillStack({ endpoint, stack: STACK, tenants: TENANTS, months, now });
  await keepBills(dir, months);
  await addProfile(join(dir, 'saasctl.json'));
  const sts = await serveIdentity();
  try {
    const env = {
      PATH: process.env['PATH'],
      HOME: dir,
      SAASCTL_PROFILE: 'prod',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      AWS_ENDPOINT_URL_STS: sts.url,
    };
    const run = () => timed(join(root, 'bin', 'saasctl.js'), dir, env);
    const cold = await run();
    const warm: Run[] = [];
    for (let round = 0; round < RUNS; round++) warm.push(await run());
    // What else runs on the machine only ever adds.
    const seconds = Math.min(...warm.map((one) => one.seconds));
    const megabytes = Math.max(...warm.map((one) => one.megabytes));
    const all = warm.map((one) => one.seconds.toFixed(2)).join(', ');
    const what = `cost report -o csv, ${TENANTS} tenants × ${MONTHS} months`;
    return [
      exactly(`${what}: lines`, warm[0]?.lines ?? 0, TENANTS * MONTHS + 1),
      atMost(`${what}: kept, least of ${RUNS}`, seconds, 2, `${seconds.toFixed(2)} s (${all})`, ' s'),
      atMost(`${what}: kept, peak resident memory`, megabytes, 300, `${megabytes.toFixed(0)} MB`, ' MB'),
      atMost(`${what}: usage not kept`, cold.seconds, 60, `${cold.seconds.toFixed(1)} s`, ' s'),
    ];
  } finally {
    sts.close();
  }
}

async function keepBills(dir: string, months: readonly string[]): Promise<void> {
  const cache = billCache(join(dir, '.saasctl', 'cost'), Date.now);
  const of = { source: 'ce', account: ACCOUNT, metric: 'UnblendedCost', detail: 'services' };
  const keys = { tenantKey: 'saasctl-tenant', featureKey: 'saasctl-feature' };
  for (const month of months) await cache.write({ ...of, ...keys, month }, largeBill(month));
}

async function addProfile(file: string): Promise<void> {
  const project = JSON.parse(await readFile(file, 'utf8'));
  project.profiles.prod = { ...project.profiles.local, account: ACCOUNT, stripe: 'test' };
  await writeFile(file, JSON.stringify(project));
}

/** Says whose the credentials are, as STS does. */
async function serveIdentity(): Promise<{ url: string; close(): void }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/xml' });
    response.end(
      `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${ACCOUNT}:user/bench</Arn><UserId>AIDA</UserId><Account>${ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    );
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

interface Run {
  seconds: number;
  megabytes: number;
  lines: number;
}

/** A process of the tool, its most memory as it says itself at its end. */
async function timed(bin: string, cwd: string, env: Record<string, string | undefined>): Promise<Run> {
  const started = performance.now();
  const peak =
    "process.on('exit',()=>require('node:fs').writeSync(2,'maxrss '+process.resourceUsage().maxRSS+'\\n'))";
  const preload = `data:text/javascript,import{createRequire}from'node:module';const require=createRequire('file:///');${encodeURIComponent(peak)}`;
  const child = spawn(
    process.execPath,
    ['--import', preload, bin, 'cost', 'report', '--months', String(MONTHS), '-o', 'csv'],
    { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let lines = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    for (const byte of bytes) if (byte === 10) lines++;
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`cost report ended with ${code}: ${said}`);
  const kilobytes = Number(/maxrss (\d+)/.exec(said)?.[1]);
  return { seconds: (performance.now() - started) / 1000, megabytes: kilobytes / 1024, lines };
}
