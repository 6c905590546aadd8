// The deployed API as a tenant meets it: over HTTP, through the shipped authorizer and the example service, each with
// the credentials of its own role.
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../fixtures/cli.ts';
import { type Account, type Answer, openAccount, REGION, STACK } from './deployed.ts';
import { CREDENTIALS } from './ministack.ts';

let account: Account;
let url: string;
let outputs: Record<string, string>;

beforeAll(async () => {
  account = await openAccount();
  await account.done('deploy secret stripe-key', { stdin: 'sk_test_standin' });
  ({ outputs } = await account.done('deploy --yes'));
  url = outputs['ApiUrl'] ?? '';
});

afterAll(() => account?.close());

const newKey = async (tenant: string, more = '') =>
  account.done(`key create --tenant ${tenant} ${more}`.trim());
const hello = (key?: string, at = url) => account.call(at, '/hello', key === undefined ? {} : { key });
const statusOf = async (answer: Promise<Answer>) => (await answer).status;
/** "Too many" may be repeated from memory for a second. */
const becomes = (status: number, ask: () => Promise<Answer>) =>
  expect.poll(() => statusOf(ask()), { timeout: 60_000, interval: 200 }).toBe(status);

/** The items in a table, as the account's root sees them. */
async function itemsOf(table: string): Promise<Json[]> {
  const client = new DynamoDBClient({ region: REGION, endpoint: account.endpoint, credentials: CREDENTIALS });
  try {
    return (await client.send(new ScanCommand({ TableName: table }))).Items ?? [];
  } finally {
    client.destroy();
  }
}

describe('who may', () => {
  let key: string;
  beforeAll(async () => {
    await account.done('tenant create acme --plan pro --create-customer');
    ({ key } = await newKey('acme', '--name ci'));
  });

  it('401 without a key, before anything runs', async () => {
    const answer = await hello();
    expect([answer.status, answer.json()]).toEqual([401, { message: 'Unauthorized' }]);
  });

  it('403 for a key that is nobody’s, whatever is wrong with it', async () => {
    const unknown = `anb_live_${'0'.repeat(38)}`;
    for (const wrong of ['x', unknown, `${key}x`, key.replace('_live_', '_test_')]) {
      const answer = await hello(wrong);
      expect([answer.status, answer.json()]).toEqual([403, { message: 'Forbidden' }]);
    }
  });

  it('200 for a tenant’s key, with what is left in the headers', async () => {
    const answer = await hello(key);
    expect(answer.status, answer.body).toBe(200);
    expect(answer.json().tenant).toMatchObject({ tenantId: 'acme', plan: 'pro', env: 'live' });
    expect(answer.headers['ratelimit']).toMatch(/r=\d+/);
  });

  it('a rotated key and the new one both work; finished, the new one alone', async () => {
    const rotated = await account.done('key rotate --tenant acme --name ci --grace 7d');
    for (const one of [key, rotated.key]) expect(await statusOf(hello(one))).toBe(200);
    await account.done(`key rotate ${rotated.keyId} --finish --yes`);
    expect(await statusOf(hello(key))).toBe(403);
    expect(await statusOf(hello(rotated.key))).toBe(200);
    key = rotated.key;
  });

  it('a revoked key fails on its next call', async () => {
    const gone = await newKey('acme', '--name gone');
    expect(await statusOf(hello(gone.key))).toBe(200);
    await account.done(`key revoke ${gone.keyId} --yes`);
    expect(await statusOf(hello(gone.key))).toBe(403);
  });

  it('a suspended tenant is refused from its next call on, and let in again when resumed', async () => {
    expect(await statusOf(hello(key))).toBe(200);
    await account.done('tenant suspend acme --yes');
    expect(await statusOf(hello(key))).toBe(403);
    await account.done('tenant resume acme');
    await becomes(200, () => hello(key));
  });
});

describe('how much', () => {
  it('429 at the burst: of 30 calls, three at a time, the burst passes and no more', async () => {
    await account.done('tenant create burst --plan enterprise');
    const { key } = await newKey('burst', '--rate 1/h --burst 12');
    const answers: Answer[] = [];
    const lane = async () => {
      for (let calls = 0; calls < 10; calls++) answers.push(await hello(key));
    };
    await Promise.all([lane(), lane(), lane()]);
    const by = (status: number) => answers.filter((answer) => answer.status === status);
    // 503: nobody knows whether the call was counted. None is expected, and none would be one too many.
    const [passed, limited, unsure] = [by(200).length, by(429), by(503).length];
    expect([passed + limited.length + unsure, passed <= 12, passed + unsure >= 12]).toEqual([30, true, true]);
    for (const { headers, json } of limited) {
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(headers['content-type']).toContain('application/problem+json');
      expect(json().status).toBe(429);
    }
    const { used } = (await account.done('usage show burst')).metrics.api_calls;
    expect([used >= passed, used <= 12]).toEqual([true, true]);
  });

  it('429 at the quota: of 9 calls exactly 5 pass, and a higher limit lets more through', async () => {
    await account.done('tenant create quota --plan free --limit apiCallsPerMonth=5');
    const { key } = await newKey('quota', '--rate 1000/s --burst 100');
    const statuses: number[] = [];
    for (let calls = 0; calls < 9; calls++) statuses.push(await statusOf(hello(key)));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429, 429]);
    const { api_calls: calls } = (await account.done('usage show quota')).metrics;
    expect(calls).toMatchObject({ used: 5, limit: 5, remaining: 0 });
    await account.done('tenant update quota --limit apiCallsPerMonth=7');
    await becomes(200, () => hello(key));
  });
});

describe('each tenant’s own', () => {
  const text = (of: string) => `a note of ${of}`;

  async function notes(tenant: string, at = url): Promise<{ key: string; id: string }> {
    const { key } = await newKey(tenant);
    const made = await account.call(at, '/notes', { method: 'POST', key, body: { text: text(tenant) } });
    expect(made.status, made.body).toBe(201);
    const { id } = made.json();
    expect((await account.call(at, `/notes/${id}`, { key })).json()).toMatchObject({ text: text(tenant) });
    const { items } = (await account.call(at, '/notes', { key })).json();
    expect(items.map((note: Json) => note.text)).toEqual([text(tenant)]);
    return { key, id };
  }

  it('pool: two tenants of one table, and neither sees the other’s', async () => {
    for (const id of ['pool-1', 'pool-2']) await account.done(`tenant create ${id}`);
    const one = await notes('pool-1');
    const two = await notes('pool-2');
    expect(await statusOf(account.call(url, `/notes/${one.id}`, { key: two.key }))).toBe(404);
    const stored = await itemsOf(`${STACK}-app-data`);
    expect(new Set(stored.map(({ PK }) => PK.S))).toEqual(new Set(['TENANT#pool-1', 'TENANT#pool-2']));
  });

  it('bridge: its data is in a table of its own', async () => {
    const made = await account.done('tenant create bridged --isolation bridge --yes');
    expect(made).toMatchObject({ isolation: 'bridge', status: 'active' });
    await notes('bridged');
    expect(await itemsOf(`${STACK}-app-data-bridged`)).toHaveLength(1);
    const shared = await itemsOf(`${STACK}-app-data`);
    expect(shared.map(({ PK }) => PK.S)).not.toContain('TENANT#bridged');
  });

  it('silo: its own API, function and table; the shared one does not serve it', async () => {
    const made = await account.done('tenant create alone --isolation silo --yes');
    expect(made).toMatchObject({ isolation: 'silo', status: 'active' });
    const { items } = await account.done('deploy status');
    const stack = items.find((one: Json) => one.tenantId === 'alone');
    expect(stack).toMatchObject({ stack: `${STACK}-tenant-alone`, code: 'current' });
    const own = stack.outputs.ApiUrl;
    expect(own).not.toBe(url);
    const { key } = await notes('alone', own);
    expect(await itemsOf(`${STACK}-app-data-alone`)).toHaveLength(1);
    expect(await statusOf(hello(key))).toBe(403);
    const other = await newKey('pool-1');
    expect(await statusOf(hello(other.key, own))).toBe(403);
    expect((await account.done('usage show alone')).metrics.api_calls.used).toBeGreaterThanOrEqual(3);
  });

  it('the doctor finds the stored state and the real resources agreeing', async () => {
    const { items } = await account.done('tenant doctor');
    expect(items.map(({ check, status }: Json) => [check, status])).toEqual([['tenant', 'ok']]);
  });
});

describe('what is billed', () => {
  it('the sync, invoked as the scheduler does, bills what was used, once', async () => {
    await account.done('usage stripe setup');
    const { stripeCustomerId } = await account.done('tenant show acme');
    const { used } = (await account.done('usage show acme')).metrics.api_calls;
    expect(used).toBeGreaterThan(0);
    const billed = () =>
      account.stripe
        .totals()
        .filter(({ customer }) => customer === stripeCustomerId)
        .map(({ eventName, value }) => [eventName, Number(value)]);
    for (const sends of [1, 0]) {
      const { failed, answer } = await account.invoke(outputs['BillingSyncFunctionArn'] ?? '');
      expect(failed, JSON.stringify(answer)).toBe(false);
      expect(answer.sent).toBe(sends);
      expect(billed()).toEqual([['api_calls', used]]);
    }
  });
});
