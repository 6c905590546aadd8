import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type StripeStandIn, startStripeStandIn } from '../../src/local/stripe/server.ts';
import { type BillingProject, openBillingProject, storeOf } from '../fixtures/billing.ts';
import { BIN } from '../fixtures/cli.ts';

const TENANTS = 40;
const DAY = 86_400_000;
/** Longer than any pause in a run but the one for what another left. */
const IDLE_MS = 700;
/** Two at a time: they overlap each other, and what the killed ones left. */
const LANES = 2;

let project: BillingProject;
const children = new Set<ChildProcess>();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const close of closers.splice(0).reverse()) await close();
  await project.close();
});

function sync(url: string) {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [BIN, 'usage', 'sync-stripe'], {
    cwd: project.dir,
    env: {
      PATH,
      HOME: project.dir,
      AWS_ENDPOINT_URL_DYNAMODB: project.endpoint,
      SAASCTL_STRIPE_URL: url,
    },
  });
  children.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child);
    return code as number | null;
  });
  return { child, ended, said: () => text };
}

/** Kills a run after so many answers, give or take; one in ten at any time after its start. */
function killAtRandom(child: ChildProcess, standIn: StripeStandIn): () => void {
  const answered = (): number => Object.values(standIn.answers()).reduce((sum, count) => sum + count, 0);
  const spawnedAt = performance.now();
  const early = Math.random() < 0.1 ? Math.random() * 300 : Number.POSITIVE_INFINITY;
  const first = answered();
  const enough = first + 1 + Math.floor(Math.random() * 30);
  const jitter = Math.random() * 10;
  let seen = first;
  let seenAt = spawnedAt;
  const timer = setInterval(() => {
    const now = performance.now();
    if (answered() > seen) [seen, seenAt] = [answered(), now];
    // One that only waits for what a killed one left has nothing more to show.
    const idle = seen > first && now - seenAt > IDLE_MS;
    if (idle || (seen >= enough && now - seenAt >= jitter) || now - spawnedAt >= early) child.kill('SIGKILL');
  }, 2);
  return () => clearInterval(timer);
}

/** Kills `rounds` runs at random moments, usage growing all the while; then lets one end. */
async function killRounds(rounds: number) {
  // Days that no run folds away.
  const days = [1, 0].map((ago) => new Date(project.clock.now - ago * DAY).toISOString().slice(0, 10));
  await project.cli('usage stripe setup -q');
  const customers = new Map<string, string>();
  for (let i = 0; i < TENANTS; i++)
    customers.set(`t${i}x`, await project.tenant(`t${i}x`, `--bill-from ${days[0]}`));
  const counters = new Map<string, number>();
  const use = async () => {
    const id = `t${Math.floor(Math.random() * TENANTS)}x`;
    const calls = 1 + Math.floor(Math.random() * 1000);
    // Late usage is asked about before it is sent: a little of it, or no run would live to send anything.
    await project.count(id, calls, days[Math.random() < 0.1 ? 0 : 1]);
    counters.set(id, (counters.get(id) ?? 0) + calls);
  };
  await Promise.all(Array.from({ length: 100 }, use));
  let killed = 0;
  let duplicates = 0;
  let left = rounds;
  const lane = async () => {
    const standIn = await startStripeStandIn({ storeDir: storeOf(project) });
    closers.push(() => standIn.stop());
    standIn.control({ latencyMs: 4 });
    while (left-- > 0) {
      await Promise.all(Array.from({ length: 8 }, use));
      const { child, ended } = sync(standIn.url);
      const stop = killAtRandom(child, standIn);
      if ((await ended) === null) killed++;
      stop();
    }
    const last = sync(standIn.url);
    expect(await last.ended, last.said()).toBe(0);
    duplicates += standIn.answers()[400] ?? 0;
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const wrong = [...customers].flatMap(([id, customer]) => {
    const [used, billed] = [counters.get(id) ?? 0, project.counted(customer)];
    return used === billed ? [] : [{ id, used, billed }];
  });
  return { killed, duplicates, wrong };
}

describe('usage sync-stripe, killed with SIGKILL at random moments', () => {
  it('bills every unit once, and no unit twice, after 200 rounds', async () => {
    project = await openBillingProject({ shared: true });
    const { killed, duplicates, wrong } = await killRounds(200);
    expect(wrong).toEqual([]);
    expect(killed).toBeGreaterThan(150);
    // Killed between sending and writing down: what they had sent was sent again, and refused by its id.
    expect(duplicates).toBeGreaterThan(0);
    const again = sync(project.standIn.url);
    expect(await again.ended).toBe(0);
    expect(again.said()).toContain('0 sent');
  });

  it('would have shown a tool that names its deltas anew at each attempt', async () => {
    project = await openBillingProject({ shared: true });
    await project.cli('usage stripe setup -q');
    const day = new Date(project.clock.now - DAY).toISOString().slice(0, 10);
    const customer = await project.tenant('acme', `--bill-from ${day}`);
    await project.count('acme', 100, day);
    const url = await forgetful(project.standIn.url);
    expect(await sync(url).ended).toBe(null);
    const last = sync(url);
    expect(await last.ended, last.said()).toBe(0);
    expect(project.counted(customer)).toBe(200);
  });
});

/**
 * A Stripe to which every attempt is a new event: its identifier is replaced on the way.
 * The first one arrives, and the run that sent it is killed before it hears of that.
 */
async function forgetful(url: string): Promise<string> {
  let heard = false;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const given = form.get('identifier');
    const fresh = `fresh_${randomBytes(9).toString('hex')}`;
    if (given !== null) form.set('identifier', fresh);
    const { method = 'GET', headers } = request;
    const answer = await fetch(`${url}${request.url}`, {
      method,
      headers: { authorization: headers.authorization ?? '' },
      ...(method === 'GET' ? {} : { body: form }),
    }).catch(() => null);
    if (answer === null) return void response.destroy();
    const text = await answer.text();
    if (given !== null && !heard) for (const child of children) child.kill('SIGKILL');
    heard ||= given !== null;
    const date = answer.headers.get('date') ?? '';
    response.writeHead(answer.status, { 'content-type': 'application/json', date });
    response.end(given === null ? text : text.replaceAll(fresh, given));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
