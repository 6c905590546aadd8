// The tool against an AWS that is not the embedded engine: another DynamoDB, and an STS that says who calls.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTableInput } from '../../src/adapters/dynamodb/tables.ts';
import { run } from '../../src/cli.ts';
import { TABLES, type TableName } from '../../src/core/schema.ts';
import { createDeps } from '../../src/deps.ts';
import { createGate } from '../../src/runtime/gate.ts';
import { createWire, type Wire } from '../../src/runtime/wire/client.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { startProxy, type WireProxy } from '../adapters/proxy.ts';
import { type Json, ROOT } from '../fixtures/cli.ts';
import { ACCOUNT, CREDENTIALS, startMinistack } from './ministack.ts';

const STACK = 'shop';
const REGION = 'eu-west-1';
const BURST = 49;

let peer: Awaited<ReturnType<typeof startMinistack>>;
let proxy: WireProxy;
let dir: string;
let wire: Wire;

beforeAll(async () => {
  peer = await startMinistack();
  proxy = await startProxy(peer.endpoint);
  wire = createWire({
    endpoint: peer.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
    timeoutMs: 30_000,
  });
  dir = await mkdtemp(join(tmpdir(), 'saasctl-peer-'));
  const project = JSON.parse(await readFile(join(ROOT, 'templates', 'saasctl.json'), 'utf8'));
  const prod = { account: ACCOUNT, region: REGION, stack: STACK, keyEnvs: ['live'], stripe: 'test' };
  project.profiles = { ...project.profiles, prod, foreign: { ...prod, account: '123456789012' } };
  await writeFile(join(dir, 'saasctl.json'), JSON.stringify(project));
  // What the AWS SDK itself reads; DynamoDB goes by way of the proxy, STS does not.
  vi.stubEnv('AWS_ENDPOINT_URL', peer.endpoint);
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', proxy.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', CREDENTIALS.secretAccessKey);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  wire?.close();
  await proxy?.close();
  await peer?.stop();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

async function cli(words: string, { profile = 'prod', stdin = '' } = {}) {
  const io = testIo({ stdin, env: { STRIPE_API_KEY: 'sk_test_0' } });
  const world = { io, cwd: dir, home: dir, now: Date.now, signal: new AbortController().signal };
  const argv = [...words.split(' '), '--profile', profile, '-o', 'json'];
  const code = await run(argv, createDeps(world, ROOT, '0.0.0-test'));
  return {
    code,
    json: (): Json => JSON.parse(io.stdout()),
    error: (): Json => JSON.parse(io.stderr().trim().split('\n').at(-1) ?? ''),
  };
}

/** A command that must succeed, and what it printed. */
async function done(words: string, options: Parameters<typeof cli>[1] = {}): Promise<Json> {
  const { code, json, error } = await cli(words, options);
  expect(code, code === 0 ? '' : JSON.stringify(error())).toBe(0);
  return json();
}

describe('before the stack is there', () => {
  it('a missing table is a matter of deploying, and none is created', async () => {
    const { code, error } = await cli('tenant create acme');
    expect([code, error().code, error().next]).toEqual([
      2,
      'not_deployed',
      `saasctl deploy --stack ${STACK} --profile prod`,
    ]);
    expect(proxy.operations()).not.toContain('CreateTable');
  });

  it('credentials of another account than the profile’s: exit 4, and nothing is read', async () => {
    proxy.calls.length = 0;
    const { code, error } = await cli('tenant list', { profile: 'foreign' });
    expect([code, error().code]).toEqual([4, 'wrong_account']);
    expect(error().message).toContain(ACCOUNT);
    expect(proxy.operations()).toEqual([]);
  });

  it('dev stays on the local profile unless it is told otherwise', async () => {
    proxy.calls.length = 0;
    const { code, error } = await cli('dev --port 0');
    expect([code, error().code, error().next]).toEqual([
      2,
      'profile_not_local',
      'saasctl dev --profile local',
    ]);
    expect(proxy.operations()).toEqual([]);
  });
});

describe('on the tables of the schema', () => {
  beforeAll(async () => {
    const client = new DynamoDBClient({ region: REGION, endpoint: peer.endpoint, credentials: CREDENTIALS });
    for (const table of Object.keys(TABLES) as TableName[])
      await client.send(new CreateTableCommand(createTableInput(STACK, table)));
    client.destroy();
  });

  it('runs the whole story', async () => {
    expect(await done('tenant create acme --plan free --name Acme')).toMatchObject({ outcome: 'created' });
    expect(await done('tenant create acme --plan free')).toMatchObject({ outcome: 'unchanged' });
    expect((await cli('tenant create acme --plan pro')).code).toBe(5);

    const created = await done('key create --tenant acme --name ci');
    const verified = await done('key verify', { stdin: created.key });
    expect(verified).toMatchObject({ valid: true, tenantId: 'acme', keyId: created.keyId });

    const rotated = await done('key rotate --tenant acme --name ci --grace 7d');
    expect(rotated).toMatchObject({ outcome: 'rotated', keyId: created.keyId });
    for (const stdin of [created.key, rotated.key])
      expect(await done('key verify', { stdin })).toMatchObject({ valid: true });
    expect((await done(`key rotate ${created.keyId}`)).outcome).toBe('already_rotating');
    await done(`key rotate ${created.keyId} --finish --yes`);
    expect((await cli('key verify', { stdin: created.key })).code).toBe(4);

    await done('tenant update acme --plan pro --limit apiCallsPerMonth=77');
    const shown = await done('tenant show acme');
    expect(shown).toMatchObject({ plan: 'pro', limits: { apiCallsPerMonth: 77 } });
    const gate = sandbox();
    expect(await gate.check(rotated.key)).toMatchObject({ outcome: 'allowed', tenant: { tenantId: 'acme' } });
    const usage = await done('usage show acme');
    expect(usage.metrics.api_calls).toMatchObject({ used: 1, limit: 77, remaining: 76 });

    await done('tenant suspend acme --yes');
    expect(await gate.check(rotated.key)).toMatchObject({ outcome: 'refused' });
    await done('tenant resume acme');
    // A denial is repeated from memory for a second at most.
    await expect
      .poll(() => gate.check(rotated.key), { timeout: 60_000 })
      .toMatchObject({ outcome: 'allowed' });

    expect((await done('tenant list')).items.map(({ id }: Json) => id)).toEqual(['acme']);
    await done('tenant delete acme --confirm acme');
    expect(await gate.check(rotated.key)).toMatchObject({ outcome: 'refused' });
    expect((await cli('tenant create acme')).code).toBe(5);

    const { items } = await done('audit list --tenant acme');
    expect(items.map(({ action }: Json) => action)).toEqual([
      'tenant.delete',
      'tenant.resume',
      'tenant.suspend',
      'tenant.update',
      'key.rotate.finish',
      'key.rotate',
      'key.create',
      'tenant.create',
    ]);
    for (const { actor } of items) expect(actor).toMatch(new RegExp(`^arn:aws:(iam|sts)::${ACCOUNT}:`));
  });

  it(`lets exactly ${BURST} of 200 parallel calls through a burst of ${BURST}; none through a revoked key`, async () => {
    await done('tenant create burst --plan enterprise');
    const { key, keyId } = await done(`key create --tenant burst --rate 1/h --burst ${BURST}`);
    const gates = Array.from({ length: 4 }, () => sandbox());
    const calls = Array.from({ length: 200 }, (_, at) => (gates[at % 4] as (typeof gates)[0]).check(key));
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter(({ outcome }) => outcome === 'allowed')).toHaveLength(BURST);
    expect(outcomes.filter((one) => one.outcome === 'limited' && one.by === 'rate')).toHaveLength(
      200 - BURST,
    );
    await done(`key revoke ${keyId} --yes`);
    // "Too many" may be repeated from memory for a second; never again is the answer "allowed".
    for (const gate of gates) {
      expect(await gate.check(key)).not.toMatchObject({ outcome: 'allowed' });
      await expect.poll(() => gate.check(key), { timeout: 60_000 }).toMatchObject({ outcome: 'refused' });
    }
  });
});

function sandbox() {
  return createGate({
    wire,
    stack: STACK,
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'deny',
    log: () => {},
  });
}
