// Bridge and silo tenants on the profile `local`: a data table of their own in the real engine.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { loadConfig } from '../../src/config/load.ts';
import { gatePk } from '../../src/core/gate/layout.ts';
import { createDeps } from '../../src/deps.ts';
import { dataTable } from '../../src/runtime/tenant-data/tenant-data.ts';
import { createWire, type Wire } from '../../src/runtime/wire/client.ts';
import { marshalItem } from '../../src/runtime/wire/marshal.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { startProxy } from '../adapters/proxy.ts';
import { type Json, openProject, type Project, ROOT } from '../fixtures/cli.ts';
import { CREDENTIALS } from '../fixtures/gate.ts';

let project: Project;
let wire: Wire;
beforeAll(async () => {
  project = await openProject();
  const { endpoint } = project;
  wire = createWire({ endpoint, region: 'us-east-1', credentials: CREDENTIALS, timeoutMs: 60_000 });
});
afterAll(async () => {
  wire.close();
  await project.close();
});

const cli = (...args: Parameters<Project['cli']>) => project.cli(...args);
const json = async (words: string): Promise<Json> => {
  // Nothing is at once, so that the audit has an order.
  project.clock.now += 10;
  const ran = await cli(`${words} -o json`);
  expect(ran.code, `${words}: ${ran.stderr}`).toBe(0);
  return ran.json();
};
const actions = async (id: string): Promise<string[]> =>
  (await json(`audit list --tenant ${id}`)).items.map(({ action }: Json) => action).reverse();
const findings = async (words: string): Promise<[number, Json[]]> => {
  const ran = await cli(`${words} -o json`);
  return [ran.code, ran.json().items];
};
const asked = async (operation: string, body: object): Promise<Json> => {
  const reply = await wire.send(operation, body);
  if (reply.kind !== 'applied') throw new Error(JSON.stringify(reply));
  return reply.output;
};
const sorted = (list: readonly string[]) => [...list].sort();

describe.each(['bridge', 'silo'])('a %s tenant', (isolation) => {
  const id = `own-${isolation}`;

  it('is provisioned, then active, and the audit has each step', async () => {
    const dry = await json(`tenant create ${id} --isolation ${isolation} --dry-run`);
    expect(dry).toMatchObject({
      outcome: 'planned',
      resources: [{ action: 'Add', type: 'AWS::DynamoDB::Table', logicalId: `local-app-data-${id}` }],
    });
    expect((await cli(`tenant show ${id}`)).code).toBe(3);
    expect(await json(`tenant create ${id} --plan pro --isolation ${isolation}`)).toMatchObject({
      outcome: 'created',
      isolation,
      status: 'active',
      apiUrl: null,
      operation: null,
      failure: null,
    });
    expect(sorted(await actions(id))).toEqual(['tenant.activate', 'tenant.create']);
  });

  it('has a table of its own with the keys of the shared one, where the runtime looks for it', async () => {
    const table = dataTable('local', { tenantId: id, isolation: isolation as 'silo' });
    const [own, shared] = await Promise.all(
      [table, 'local-app-data'].map(async (TableName) => (await asked('DescribeTable', { TableName })).Table),
    );
    expect([own.KeySchema, own.AttributeDefinitions]).toEqual([
      shared.KeySchema,
      shared.AttributeDefinitions,
    ]);
  });

  it('again is unchanged; in another isolation or on another plan it is a conflict', async () => {
    expect(await json(`tenant create ${id} --isolation ${isolation}`)).toMatchObject({
      outcome: 'unchanged',
    });
    const other = isolation === 'silo' ? 'bridge' : 'silo';
    for (const words of [`--isolation ${other}`, '--isolation pool', '--plan free']) {
      const { code, error } = await cli(`tenant create ${id} ${words} -o json`);
      expect([code, error().code], words).toEqual([5, 'tenant_exists']);
    }
  });

  it('deleted, leaves its table, and its id is never used again', async () => {
    const gone = `gone-${isolation}`;
    await json(`tenant create ${gone} --isolation ${isolation}`);
    const kept = [{ table: `local-app-data-${gone}`, remove: null }];
    expect(await json(`tenant delete ${gone} --confirm ${gone}`)).toMatchObject({ status: 'deleted', kept });
    expect((await cli(`tenant delete ${gone} --confirm ${gone}`)).stderr).toContain(
      `data table local-app-data-${gone} is kept; it goes with the local store`,
    );
    expect((await cli(`tenant create ${gone} --isolation ${isolation} -o json`)).code).toBe(5);
    await asked('DescribeTable', { TableName: `local-app-data-${gone}` });
  });
});

describe('a data table that is there before its tenant', () => {
  it('is not given to it without --adopt-data', async () => {
    const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
    await asked('CreateTable', {
      TableName: 'local-app-data-ghost',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['PK', 'SK'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [key('PK', 'HASH'), key('SK', 'RANGE')],
    });
    for (const words of ['', ' --dry-run']) {
      const { code, error } = await cli(`tenant create ghost --isolation bridge${words} -o json`);
      expect([code, error().code]).toEqual([5, 'data_table_exists']);
      expect(error().next).toBe('saasctl tenant create ghost --isolation bridge --adopt-data');
    }
    expect((await cli('tenant show ghost')).code).toBe(3);
    expect(await json('tenant create ghost --isolation bridge --adopt-data')).toMatchObject({
      status: 'active',
    });
    expect(await json('tenant create ghost --isolation bridge')).toMatchObject({ outcome: 'unchanged' });
  });
});

describe('a table of that name that is no data table', () => {
  it('is given to no tenant', async () => {
    await asked('CreateTable', {
      TableName: 'local-app-data-orders',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'orderId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'orderId', KeyType: 'HASH' }],
    });
    for (const words of ['', ' --adopt-data']) {
      const { code, error } = await cli(`tenant create orders --isolation bridge${words} -o json`);
      expect([code, error().code]).toEqual([5, 'data_table_unlike']);
    }
    expect((await cli('tenant show orders')).code).toBe(3);
    await asked('DeleteTable', { TableName: 'local-app-data-orders' });
  });
});

describe('the local HTTP API', () => {
  it('keeps what each tenant writes in the table of its isolation', async () => {
    await json('tenant create pooled');
    const handler = join(project.dir, 'notes.mjs');
    await writeFile(
      handler,
      `import { tenantData, withTenant } from '${join(ROOT, 'dist', 'runtime', 'index.js')}';
       export const handler = withTenant(async (event, tenant) => {
         const data = tenantData(tenant);
         await data.put({ SK: 'NOTE#1', text: tenant.tenantId });
         return { statusCode: 200, body: JSON.stringify((await data.query({})).items) };
       });`,
    );
    const api = await serve(handler);
    try {
      for (const id of ['pooled', 'own-bridge', 'own-silo']) {
        const { key } = await json(`key create --tenant ${id}`);
        const answer = await fetch(`${api.url}/notes`, { headers: { 'x-api-key': key } });
        expect([answer.status, await answer.json()]).toEqual([200, [{ SK: 'NOTE#1', text: id }]]);
      }
    } finally {
      await api.stop();
    }
    const owners = async (TableName: string) =>
      (await asked('Scan', { TableName })).Items.map((item: Json) => item.PK.S);
    expect(await owners('local-app-data')).toEqual(['TENANT#pooled']);
    expect(await owners('local-app-data-own-bridge')).toEqual(['TENANT#own-bridge']);
    expect(await owners('local-app-data-own-silo')).toEqual(['TENANT#own-silo']);
  });
});

describe('a tenant that is not ready', () => {
  it('admits no call: the table could not be made, then it is, by the same command', async () => {
    const proxy = await startProxy(project.endpoint);
    proxy.rule = ({ operation }) => (operation === 'CreateTable' ? 'denied' : undefined);
    const refused = await cli('tenant create slow --isolation bridge -o json', {
      env: { AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint },
    });
    await proxy.close();
    expect([refused.code, refused.error()]).toMatchObject([4, { code: 'aws_denied' }]);
    expect(await json('tenant show slow')).toMatchObject({
      status: 'failed',
      failure: { during: 'provisioning', step: 'table', resumable: true },
    });
    expect((await findings('doctor'))[1]).toContainEqual({
      check: 'tenants',
      status: 'warn',
      detail: 'slow is failed',
      remedy: 'saasctl tenant doctor',
    });
    const { key } = await json('key create --tenant slow');
    const api = await serve(null);
    try {
      const call = () => fetch(`${api.url}/hello`, { headers: { 'x-api-key': key } });
      expect((await call()).status).toBe(403);
      await json('tenant create slow --isolation bridge');
      await expect.poll(async () => (await call()).status, { timeout: 60_000, interval: 100 }).toBe(200);
    } finally {
      await api.stop();
    }
  });

  it('its maker was killed: the next one waits until the hold is over, and finishes', async () => {
    const proxy = await startProxy(project.endpoint);
    proxy.rule = ({ operation }) => (operation === 'CreateTable' ? new Promise(() => {}) : undefined);
    const world = { env: { AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint } };
    void cli('tenant create killed --isolation silo -o json', world).catch(() => {});
    await expect.poll(() => proxy.operations(), { timeout: 60_000 }).toContain('CreateTable');
    expect(await json('tenant show killed')).toMatchObject({
      status: 'provisioning',
      operation: { actor: expect.stringContaining('@') },
    });
    const before = project.clock.now;
    expect(await json('tenant create killed --isolation silo')).toMatchObject({
      outcome: 'created',
      status: 'active',
    });
    expect(project.clock.now - before).toBeGreaterThan(59_000);
    expect(sorted(await actions('killed'))).toEqual(['tenant.activate', 'tenant.create', 'tenant.provision']);
    await proxy.close();
  });

  it('made by another run while this one looks for its table: unchanged, its data is not of somebody before', async () => {
    const proxy = await startProxy(project.endpoint);
    let other: Promise<Json> | undefined;
    proxy.rule = async ({ operation, body }) => {
      if (operation !== 'DescribeTable' || body.TableName !== 'local-app-data-twin') return undefined;
      other ??= json('tenant create twin --isolation bridge');
      await other;
      return undefined;
    };
    const world = { env: { AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint } };
    const ran = await cli('tenant create twin --isolation bridge -o json', world);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect([await other, ran.json()]).toMatchObject([{ outcome: 'created' }, { outcome: 'unchanged' }]);
    await proxy.close();
  });

  it('eight create it at once: one table, one creation, one activation; the rest say unchanged', async () => {
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => inRealTime('tenant create crowd --isolation bridge -o json')),
    );
    expect(runs.map(({ code, outcome }) => `${code} ${outcome}`).sort()).toEqual([
      '0 created',
      ...Array(7).fill('0 unchanged'),
    ]);
    // They ran by the real clock; the audit is asked up to now.
    project.clock.now = Date.now() + 1_000;
    expect(sorted(await actions('crowd'))).toEqual(['tenant.activate', 'tenant.create']);
  });
});

describe('tenant doctor', () => {
  it('finds nothing against what was made', async () => {
    const [code, items] = await findings('tenant doctor');
    expect([code, items.filter(({ status }) => status !== 'ok')]).toEqual([0, []]);
  });

  it('a gate unlike its profile is written again with --yes', async () => {
    const gate = { TableName: 'local-gates', Key: marshalItem({ PK: gatePk('own-silo') }) };
    await asked('UpdateItem', {
      ...gate,
      UpdateExpression: 'SET #status = :status',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: marshalItem({ ':status': 'suspended' }),
    });
    const [code, items] = await findings('tenant doctor own-silo');
    expect([code, items]).toMatchObject([
      8,
      [
        {
          check: 'gate',
          detail: 'status: the gate has suspended, the profile active',
          remedy: 'saasctl tenant doctor own-silo --yes',
        },
      ],
    ]);
    expect((await findings('tenant doctor own-silo --yes --dry-run'))[0]).toBe(8);
    expect(await findings('tenant doctor own-silo --yes')).toMatchObject([0, [{ mended: true }]]);
    expect((await asked('GetItem', gate)).Item.status.S).toBe('active');
    expect(await actions('own-silo')).toContain('tenant.mend');
  });

  it('a table that is gone is made again, empty; one that is nobody’s is named', async () => {
    await asked('DeleteTable', { TableName: 'local-app-data-own-silo' });
    const { AttributeDefinitions, KeySchema } = (
      await asked('DescribeTable', { TableName: 'local-app-data' })
    ).Table;
    const TableName = 'local-app-data-nobody';
    await asked('CreateTable', {
      TableName,
      AttributeDefinitions,
      KeySchema,
      BillingMode: 'PAY_PER_REQUEST',
    });
    const wrong = async (words: string) => {
      const [code, items] = await findings(words);
      const told = items.filter(({ tenantId }) => ['own-silo', 'nobody'].includes(tenantId));
      return [code, told.map(({ tenantId, check, status }) => `${tenantId} ${check} ${status}`)];
    };
    expect(await wrong('tenant doctor')).toEqual([8, ['own-silo table fail', 'nobody table warn']]);
    expect(await wrong('tenant doctor --yes')).toEqual([0, ['own-silo table ok', 'nobody table warn']]);
    await asked('DescribeTable', { TableName: 'local-app-data-own-silo' });
    expect((await json('audit list --tenant own-silo')).items[0]).toMatchObject({
      action: 'tenant.mend',
      tenantId: 'own-silo',
      changes: [{ field: 'table', to: 'local-app-data-own-silo' }],
    });
    expect((await cli('tenant doctor nobody')).code).toBe(3);
  });

  it('a gate that sends a tenant’s data elsewhere is never changed, only told', async () => {
    await asked('UpdateItem', {
      TableName: 'local-gates',
      Key: marshalItem({ PK: gatePk('own-bridge') }),
      UpdateExpression: 'REMOVE iso',
    });
    expect(await findings('tenant doctor own-bridge --yes')).toMatchObject([
      8,
      [
        {
          check: 'gate',
          detail: 'the gate sends its data to pool, and it is a bridge tenant',
          mended: false,
        },
      ],
    ]);
  });
});

/** The local HTTP API, as `dev` serves it. */
async function serve(handlerFile: string | null): Promise<{ url: string; stop(): Promise<void> }> {
  const world = realWorld();
  const deps = createDeps(world, ROOT, '0.0.0-test');
  const { cwd, home } = world;
  const config = await loadConfig({ cwd, home, env: deps.env, interactive: false, flags: {} });
  const backend = await deps.openBackend(config, null);
  const api = await deps.startHttpApi(config, backend, {
    port: 0,
    handlerFile,
    mode: 'authorizer',
    log: () => {},
  });
  return {
    url: api.url,
    async stop() {
      await api.close();
      await backend.close();
    },
  };
}

async function inRealTime(words: string): Promise<{ code: number; outcome: string }> {
  const world = realWorld();
  const code = await run(words.split(' '), createDeps(world, ROOT, '0.0.0-test'));
  return { code, outcome: code === 0 ? JSON.parse(world.io.stdout()).outcome : world.io.stderr() };
}

function realWorld() {
  const env = {
    AWS_ENDPOINT_URL_DYNAMODB: project.endpoint,
    SAASCTL_CURSOR_SECRET: randomBytes(16).toString('hex'),
    // A gate that is slow is not one that cannot be reached.
    SAASCTL_TIMEOUT_MS: '30000',
  };
  const signal = new AbortController().signal;
  return { io: testIo({ env }), cwd: project.dir, home: project.dir, now: Date.now, signal };
}
