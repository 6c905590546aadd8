import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProject, type Project } from '../fixtures/cli.ts';

let project: Project;
beforeAll(async () => {
  project = await openProject();
});
afterAll(() => project.close());

it('plan apply makes tenants of before ready for JWTs, and doctor says which are not', async () => {
  const { cli } = project;
  await cli('tenant create before --plan pro');
  await project.edit(({ profiles }) => {
    profiles.local.jwt = { issuer: 'https://id.example.com', audience: 'api', tenantClaim: 'tenant' };
  });
  await cli('tenant create after --plan pro');

  const ill = await cli('doctor -o json');
  expect(ill.code).toBe(8);
  const gates = ill.json().items.find(({ check }: { check: string }) => check === 'gates');
  expect(gates).toMatchObject({ status: 'fail', remedy: 'saasctl plan apply' });
  expect(gates.detail).toBe('before: takes no JWTs, as the profile does');

  expect((await cli('plan apply --dry-run -o json')).json().items).toMatchObject([
    { tenantId: 'before', outcome: 'planned' },
  ]);
  expect((await cli('plan apply --yes -o json')).json().items).toMatchObject([
    { tenantId: 'before', outcome: 'updated' },
  ]);
  expect((await cli('plan apply --yes -o json')).json().items).toEqual([]);
  expect((await cli('doctor -o json')).code).toBe(0);
});

it('the key for JWTs is none of the tenant’s keys', async () => {
  const { cli } = project;
  expect((await cli('key list --tenant after -o json')).json().items).toEqual([]);
  expect((await cli('key show jwt -o json')).code).toBe(2);
  expect((await cli('key revoke jwt --yes -o json')).code).toBe(2);
  await cli('key create --tenant after --name one -q --secret-file key.txt');
  expect((await cli('key list --tenant after -o json')).json().items).toHaveLength(1);
});
