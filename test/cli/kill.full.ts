import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startStripeStandIn } from '../../src/local/stripe/server.ts';
import { type BillingProject, openBillingProject, storeOf } from '../fixtures/billing.ts';
import { BIN } from '../fixtures/cli.ts';

const TENANTS = 40;
const DAY = 86_400_000;
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

/** When a run dies: so long after its start, or after so many answers of a kind; `null`: before it hears of the last. */
interface Death {
  at: 'start' | 'answer' | 'delivery';
  nth: number;
  afterMs: number | null;
}

function randomDeath(): Death {
  const kind = Math.random();
  if (kind < 0.1) return { at: 'start', nth: 0, afterMs: Math.random() * 300 };
  // Early ones more often: a run that outlives its share of the work waits for what the killed ones left.
  const nth = 1 + Math.floor(6 * Math.random() ** 3);
  return {
    at: kind < 0.4 ? 'answer' : 'delivery',
    nth,
    afterMs: Math.random() < 0.5 ? null : Math.random() * 15,
  };
}

/** Kills `rounds` runs, usage growing all the while; then lets one end. What else runs here changes no moment. */
async function killRounds(rounds: number) {
  // Days that no run folds away, also once a midnight has passed.
  const dayAgo = (days: number) => new Date(Date.now() - days * DAY).toISOString().slice(0, 10);
  const first = dayAgo(1);
  await project.cli('usage stripe setup -q');
  const customers = new Map<string, string>();
  for (let i = 0; i < TENANTS; i++)
    customers.set(`t${i}x`, await project.tenant(`t${i}x`, `--bill-from ${first}`));
  const counters = new Map<string, number>();
  const use = async () => {
    const id = `t${Math.floor(Math.random() * TENANTS)}x`;
    const calls = 1 + Math.floor(Math.random() * 1000);
    // Late usage is asked about before it is sent: a little of it, or no run would live to send anything.
    await project.count(id, calls, dayAgo(Math.random() < 0.1 ? 1 : 0));
    counters.set(id, (counters.get(id) ?? 0) + calls);
  };
  await Promise.all(Array.from({ length: 100 }, use));
  const standIns = [project.standIn];
  let killed = 0;
  const lane = async () => {
    const standIn = await startStripeStandIn({ storeDir: storeOf(project) });
    closers.push(() => standIn.stop());
    standIn.control({ latencyMs: 4 });
    standIns.push(standIn);
    // The first dies before it hears that what it sent has arrived; the others when they may.
    let death: Death = { at: 'delivery', nth: 1, afterMs: null };
    let kill = () => {};
    const seen = { answer: 0, delivery: 0 };
    const url = await between(standIn.url, (isDelivery, pass) => {
      seen.answer++;
      if (isDelivery) seen.delivery++;
      const isDue = death.at !== 'start' && seen[death.at] >= death.nth;
      if (!isDue) return pass();
      if (death.afterMs === null) return kill();
      pass();
      setTimeout(kill, death.afterMs);
    });
    while (killed < rounds) {
      await Promise.all(Array.from({ length: 8 }, use));
      Object.assign(seen, { answer: 0, delivery: 0 });
      const { child, ended, said } = sync(url);
      kill = () => child.kill('SIGKILL');
      const timer = death.at === 'start' ? setTimeout(kill, death.afterMs ?? 0) : undefined;
      const code = await ended;
      clearTimeout(timer);
      // One that ends by itself had less to do than it should have lived for.
      if (code === null) killed++;
      else expect([0, 7], said()).toContain(code);
      death = randomDeath();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const last = Array.from({ length: LANES }, () => sync(project.standIn.url));
  for (const { ended, said } of last) expect(await ended, said()).toBe(0);
  const duplicates = standIns.reduce((sum, standIn) => sum + (standIn.answers()[400] ?? 0), 0);
  const wrong = [...customers].flatMap(([id, customer]) => {
    const [used, billed] = [counters.get(id) ?? 0, project.counted(customer)];
    return used === billed ? [] : [{ id, used, billed }];
  });
  return { duplicates, wrong };
}

describe('usage sync-stripe, killed with SIGKILL at random moments', () => {
  it('bills every unit once, and no unit twice, after 200 rounds', async () => {
    project = await openBillingProject({ shared: true });
    const { duplicates, wrong } = await killRounds(200);
    expect(wrong).toEqual([]);
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
    let arrived = false;
    const forgetful = (isDelivery: boolean, pass: () => void) => {
      if (isDelivery && !arrived) for (const child of children) child.kill('SIGKILL');
      else pass();
      arrived ||= isDelivery;
    };
    const url = await between(project.standIn.url, forgetful, { anew: true });
    expect(await sync(url).ended).toBe(null);
    const last = sync(url);
    expect(await last.ended, last.said()).toBe(0);
    expect(project.counted(customer)).toBe(200);
  });
});

/**
 * Stands before a stand-in and says of each answer whether it is a delivery's, before it is passed on.
 * `anew`: to the stand-in every attempt is a new event, its identifier replaced on the way.
 */
async function between(
  url: string,
  answered: (isDelivery: boolean, pass: () => void) => unknown,
  { anew = false } = {},
): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const given = form.get('identifier');
    const sent = anew ? `anew_${randomBytes(9).toString('hex')}` : given;
    if (given !== null && sent !== null) form.set('identifier', sent);
    const { method = 'GET', headers } = request;
    const answer = await fetch(`${url}${request.url}`, {
      method,
      headers: { authorization: headers.authorization ?? '' },
      ...(method === 'GET' ? {} : { body: form }),
    }).catch(() => null);
    if (answer === null) return void response.destroy();
    const text = await answer.text();
    answered(given !== null, () => {
      const date = answer.headers.get('date') ?? '';
      response.writeHead(answer.status, { 'content-type': 'application/json', date });
      response.end(given === null || sent === null ? text : text.replaceAll(sent, given));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
