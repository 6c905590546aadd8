import { afterEach, beforeEach, expect, it } from 'vitest';
import { STORE_VERSION, tableName } from '../../../src/core/schema.ts';
import { createWire } from '../../../src/runtime/wire/client.ts';
import { openProject, type Project } from '../../fixtures/cli.ts';
import { CREDENTIALS, open, REGION, STACK } from '../tenancy.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(() => project.close());

it('a store that a newer saasctl wrote is left alone, and the upgrade named', async () => {
  await project.cli('tenant create acme');
  const wire = createWire({ endpoint: project.endpoint, region: REGION, credentials: CREDENTIALS });
  const Item = { PK: { S: 'META' }, SK: { S: 'STORE' }, version: { N: String(STORE_VERSION + 1) } };
  const written = await wire.send('PutItem', { TableName: tableName(STACK, 'tenants'), Item });
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
  wire.close();
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
