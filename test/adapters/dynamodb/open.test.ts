import { afterEach, beforeEach, expect, it } from 'vitest';
import { STORE_VERSION, tableName } from '../../../src/core/schema.ts';
import { createWire, type Wire } from '../../../src/runtime/wire/client.ts';
import { openProject, type Project } from '../../fixtures/cli.ts';
import { CREDENTIALS, open, REGION, STACK } from '../tenancy.ts';

let project: Project;
let wire: Wire;
beforeEach(async () => {
  project = await openProject();
  const { endpoint } = project;
  wire = createWire({ endpoint, region: REGION, credentials: CREDENTIALS, timeoutMs: 10_000 });
});
afterEach(async () => {
  wire.close();
  await project.close();
});

/** The item that says which version the store has. */
const marker = {
  at: { TableName: tableName(STACK, 'tenants'), Key: { PK: { S: 'META' }, SK: { S: 'STORE' } } },
  put: (version: object) =>
    wire.send('PutItem', { TableName: marker.at.TableName, Item: { ...marker.at.Key, version } }),
  async get() {
    const reply = await wire.send('GetItem', { ...marker.at, ConsistentRead: true });
    if (reply.kind !== 'applied') throw new Error(reply.kind);
    return (reply.output as { Item?: { version: object } }).Item?.version;
  },
  remove: () => wire.send('DeleteItem', marker.at),
};

it('a store that a newer saasctl wrote is left alone, and the upgrade named', async () => {
  await project.cli('tenant create acme');
  const written = await marker.put({ N: String(STORE_VERSION + 1) });
  expect(written.kind).toBe('applied');
  for (const words of ['tenant list', 'tenant create beta', 'tenant suspend acme --yes', 'key list']) {
    const { code, error } = await project.cli(`${words} -o json`);
    expect([code, error().code], words).toEqual([2, 'store_too_new']);
    expect(error().next).toBe('npm install saasctl@latest');
    expect(error().message).toContain(`version ${STORE_VERSION + 1}`);
  }
  const { kind, ...found } = await wire.send('GetItem', {
    TableName: tableName(STACK, 'gates'),
    Key: { PK: { S: 'GATE#beta' } },
  });
  expect([kind, found]).toEqual(['applied', { output: {} }]);
});

it.each([
  ['a word', { S: 'abc' }],
  ['a fraction', { N: '1.5' }],
  ['nothing', { NULL: true }],
])('a marker that is %s is refused, and left as it is', async (_, version) => {
  await project.cli('tenant create acme');
  const written = await marker.put(version);
  expect(written.kind).toBe('applied');
  const { code, error } = await project.cli('tenant create beta -o json');
  expect([code, error().code]).toEqual([2, 'store_version_unknown']);
  expect(await marker.get()).toEqual(version);
});

it('a creation killed before the marker was put is taken up again', async () => {
  await project.cli('tenant create acme');
  await marker.remove();
  expect(await marker.get()).toBeUndefined();
  expect((await project.cli('tenant show acme')).code).toBe(0);
  expect(await marker.get()).toEqual({ N: String(STORE_VERSION) });
});

it('two first commands at once both work, on tables that one of them made', async () => {
  const [acme, beta] = await Promise.all([
    project.cli('tenant create acme -o json'),
    project.cli('tenant create beta -o json'),
  ]);
  expect([acme.code, beta.code], acme.stderr + beta.stderr).toEqual([0, 0]);
  const { items } = (await project.cli('tenant list -o json')).json();
  expect(items.map(({ id }: { id: string }) => id)).toEqual(['acme', 'beta']);
});

it('so do eight stores opened at once', async () => {
  const stores = await Promise.all(Array.from({ length: 8 }, () => open(project.endpoint)));
  for (const store of stores) {
    expect(await store.tenant('acme')).toBeNull();
    await store.close();
  }
});
