import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, openFolder } from '../fixtures/binary.ts';
import { clearOfMidnight } from '../fixtures/midnight.ts';

// The whole of it, as a user has it: built bundles, one process serving, others changing things meanwhile.
let folder: Folder;
let api: Awaited<ReturnType<Folder['serve']>>;
let url: string;
/** A gate that is slow is not one that cannot be reached. */
const PATIENT = { SAASCTL_TIMEOUT_MS: '30000' };

beforeAll(async () => {
  folder = await openFolder();
  await folder.run('tenant create acme --plan pro -q');
  api = await folder.serve('dev --port 0 -o json', PATIENT);
  url = JSON.parse(api.line).url;
});
afterAll(() => folder.close());

const json = async (words: string) => {
  const { code, stdout, stderr } = await folder.run(`${words} -o json`);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};
const call = (key: string | null, path = '/hello') =>
  fetch(`${url}${path}`, { headers: key === null ? {} : { 'x-api-key': key } });
const newKey = async (flags = '') => json(`key create --tenant acme ${flags}`.trim());

/** A denial is repeated from memory for a second; whoever asks has more time than that. */
const SECOND = { timeout: 60_000, interval: 100 };

describe('saasctl dev', () => {
  it('says where it is in one line', () => {
    expect(JSON.parse(api.line)).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      profile: 'local',
      stripe: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    });
  });

  it('serves a stand-in of its own, also where the environment still names one that is gone', async () => {
    const gone = 'http://127.0.0.1:1';
    const again = await folder.serve('dev --port 0 -o json', { ...PATIENT, SAASCTL_STRIPE_URL: gone });
    const { stripe } = JSON.parse(again.line);
    expect((await fetch(`${stripe}/_control`)).status).toBe(200);
    expect(await again.end()).toBe(0);
  });

  it('serves the stand-in for Stripe, where what Stripe may do is rehearsed', async () => {
    const { stripe } = JSON.parse(api.line);
    await json('usage stripe setup');
    await json('tenant create billed --plan pro --create-customer');
    const { key } = await json('key create --tenant billed');
    expect((await call(key)).status).toBe(200);
    const sync = () =>
      folder.run('usage sync-stripe --tenant billed -o json', { env: { SAASCTL_STRIPE_URL: stripe } });
    const control = (faults: object[]) =>
      fetch(`${stripe}/_control`, { method: 'POST', body: JSON.stringify({ faults }) });
    await control([{ kind: 'unavailable', path: '/v1/billing/meter_events', times: null }]);
    expect((await sync()).code).toBe(7);
    await control([]);
    const { code, stdout } = await sync();
    expect([code, JSON.parse(stdout).sent]).toEqual([0, 1]);
  });

  it('lets a good key through to the handler, which knows its tenant', async () => {
    const { key, keyId } = await newKey('--scope read');
    const answer = await call(key);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      message: 'Hello from acme',
      tenant: {
        tenantId: 'acme',
        plan: 'pro',
        keyId,
        env: 'live',
        scopes: ['read'],
        limits: { apiCallsPerMonth: 100_000 },
        usage: { apiCalls: 1, remaining: 99_999 },
      },
    });
    expect(answer.headers.get('ratelimit-policy')).toMatch(/q=100;w=2/);
    expect(answer.headers.get('ratelimit')).toMatch(/r=99;/);
  });

  it('answers 401 without a key, and one and the same 403 for every other identity failure', async () => {
    const nobody = await call(null);
    expect([nobody.status, await nobody.json()]).toEqual([401, { message: 'Unauthorized' }]);

    const good = await newKey();
    const revoked = await newKey();
    await json(`key revoke ${revoked.keyId} --yes`);
    await json('tenant create idle');
    const suspended = await json('key create --tenant idle');
    await json('tenant suspend idle --yes');
    const refused = [`${good.key.slice(0, -1)}_`, `x${good.key}`, 'anything', revoked.key, suspended.key];
    const answers = await Promise.all(refused.map((key) => call(key)));
    for (const answer of answers)
      expect([answer.status, await answer.text()]).toEqual([403, '{"message":"Forbidden"}']);
    expect((await call(good.key)).status).toBe(200);
  });

  it('answers 429 past the burst, with whole seconds to wait', async () => {
    const { key } = await newKey('--rate 1/h --burst 4');
    const answers = await Promise.all(Array.from({ length: 12 }, () => call(key)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(4).fill(200), ...Array(8).fill(429)]);
    const limited = answers.find(({ status }) => status === 429) as Response;
    expect(limited.headers.get('content-type')).toBe('application/problem+json');
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(3500);
    expect(await limited.json()).toMatchObject({
      status: 429,
      title: expect.any(String),
      type: expect.any(String),
      detail: expect.any(String),
    });
  });

  it('answers 429 at the quota until the month ends, and a raised limit is seen within a second', async () => {
    await json('tenant create small --plan free --limit apiCallsPerMonth=2');
    const { key } = await json('key create --tenant small');
    const untilNextMonth = (now = new Date()): number =>
      Math.ceil((Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - now.getTime()) / 1000);
    await clearOfMidnight(60_000);
    expect([(await call(key)).status, (await call(key)).status]).toEqual([200, 200]);
    const before = untilNextMonth();
    const full = await call(key);
    const after = untilNextMonth();
    expect(full.status).toBe(429);
    expect(Number(full.headers.get('retry-after'))).toBeLessThanOrEqual(before);
    expect(Number(full.headers.get('retry-after'))).toBeGreaterThanOrEqual(after);
    expect((await json('usage show small')).metrics.api_calls).toMatchObject({
      used: 2,
      limit: 2,
      remaining: 0,
      percent: 100,
    });
    await json('tenant update small --limit apiCallsPerMonth=3');
    await expect.poll(async () => (await call(key)).status, SECOND).toBe(200);
    expect((await call(key)).status).toBe(429);
  });

  it('a plan that bills overage is never refused, and shown past 100 %', async () => {
    await json('tenant create payer --plan pro --limit apiCallsPerMonth=1');
    const { key } = await json('key create --tenant payer');
    await clearOfMidnight(60_000);
    for (let i = 0; i < 3; i++) expect((await call(key)).status).toBe(200);
    expect((await json('usage show payer')).metrics.api_calls).toMatchObject({
      used: 3,
      limit: 1,
      overage: 2,
      percent: 300,
    });
    expect((await json('usage top -L 1')).items[0]).toMatchObject({
      tenantId: expect.any(String),
      used: expect.any(Number),
    });
  });

  it('a suspension bites on the next call, and a resumption within a second', async () => {
    await json('tenant create toggled');
    const { key } = await json('key create --tenant toggled');
    for (let i = 0; i < 3; i++) {
      await expect.poll(async () => (await call(key)).status, SECOND).toBe(200);
      await json('tenant suspend toggled --yes');
      expect((await call(key)).status).toBe(403);
      await json('tenant resume toggled');
    }
  });

  it('logs one line a request, without key and query', async () => {
    const { key } = await newKey();
    await call(key, '/logged?secret=hunter2');
    await expect.poll(() => api.stderr(), SECOND).toMatch(/GET \/logged 200 \d+ ?ms acme/);
    expect(api.stderr()).not.toContain(key.slice(9, 30));
    expect(api.stderr()).not.toContain('hunter2');
  });

  it('inline mode answers by itself what the authorizer and the gateway answer together', async () => {
    const inline = await folder.serve('dev --port 0 --mode inline -o json', PATIENT);
    const at = JSON.parse(inline.line).url;
    const { key } = await newKey('--rate 1/h --burst 1');
    const inlineCall = (headers: Record<string, string>) => fetch(`${at}/`, { headers });
    expect((await inlineCall({})).status).toBe(401);
    expect((await inlineCall({ 'X-API-Key': 'wrong' })).status).toBe(403);
    expect((await inlineCall({ 'X-Api-Key': key })).status).toBe(200);
    expect((await inlineCall({ 'x-api-key': key })).status).toBe(429);
    expect(await inline.end()).toBe(0);
  });

  it('a port that is taken is an error that names another', async () => {
    const { port } = new URL(url);
    const { code, stderr } = await folder.run(`dev --port ${port} -o json`);
    expect([code, JSON.parse(stderr).next]).toEqual([2, expect.stringContaining('--port 0')]);
  });

  it('a handler file that is not there is an error', async () => {
    const { code, stderr } = await folder.run('dev --port 0 --handler ./nope.mjs');
    expect([code, /nope\.mjs/.test(stderr)]).toEqual([2, true]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    '%s ends it with its engine and its sandboxes',
    async (signal) => {
      const own = await openFolder();
      await own.run('tenant create acme -q');
      const served = await own.serve('dev --port 0 -o json', PATIENT);
      const at = JSON.parse(served.line).url;
      const { key } = JSON.parse((await own.run('key create --tenant acme -o json')).stdout);
      expect((await fetch(at, { headers: { 'x-api-key': key } })).status).toBe(200);
      const engines = () =>
        execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
          .split('\n')
          .filter((line) => line.includes(own.dir));
      expect(engines()).not.toEqual([]);
      expect(await served.end(signal)).toBe(signal === 'SIGKILL' ? null : 0);
      await expect.poll(engines, SECOND).toEqual([]);
      await expect(fetch(at)).rejects.toThrow();
      await own.close();
    },
  );

  it('answers 503, never 403, while the gate cannot be reached, and goes on when it can', async () => {
    const own = await openFolder();
    await own.run('tenant create acme -q');
    const { key } = JSON.parse((await own.run('key create --tenant acme -o json')).stdout);
    const served = await own.serve('dev --port 0 -o json', PATIENT);
    const at = JSON.parse(served.line).url;
    expect((await fetch(at, { headers: { 'x-api-key': key } })).status).toBe(200);
    const engine = execFileSync('pgrep', ['-f', `dynoxide .*${own.dir}`], { encoding: 'utf8' })
      .trim()
      .split('\n');
    for (const pid of engine) process.kill(Number(pid), 'SIGKILL');
    const down = await fetch(at, { headers: { 'x-api-key': key } });
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await fetch(at, { headers: { 'x-api-key': 'wrong' } })).status).not.toBe(200);
    await served.end();
    expect((await own.run('usage show acme -o json')).stdout).toContain('"used":1');
    await own.close();
  });
});
