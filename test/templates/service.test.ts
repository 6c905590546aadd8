// The example service as a user first meets it: behind saasctl dev, with the built runtime.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Folder, openFolder } from '../fixtures/binary.ts';
import { ROOT } from '../fixtures/cli.ts';

let folder: Folder;
let url: string;
const keys = new Map<string, string>();

beforeAll(async () => {
  folder = await openFolder();
  for (const tenant of ['acme', 'acme-corp']) {
    await folder.run(`tenant create ${tenant} --plan pro -q`);
    keys.set(tenant, JSON.parse((await folder.run(`key create --tenant ${tenant} -o json`)).stdout).key);
  }
  const handler = join(ROOT, 'templates', 'service', 'handler.mjs');
  url = JSON.parse((await folder.serve(`dev --port 0 --handler ${handler} -o json`)).line).url;
});
afterAll(() => folder.close());

async function call(tenant: string, method: string, path: string, body?: unknown) {
  const headers = { 'x-api-key': keys.get(tenant) ?? '' };
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const answer = await fetch(url + path, { method, headers, ...sent });
  const text = await answer.text();
  return { status: answer.status, json: text === '' ? null : JSON.parse(text) };
}

it('greets the tenant whose key it is', async () => {
  const { status, json } = await call('acme', 'GET', '/hello', undefined);
  expect([status, json.message]).toEqual([200, 'Hello from acme']);
  expect((await call('acme-corp', 'GET', '/me')).json).toEqual({ tenantId: 'acme-corp', scopes: [] });
});

it('keeps notes: made, listed, read, replaced, deleted', async () => {
  const made = await call('acme', 'POST', '/notes', { text: 'buy milk' });
  expect(made).toMatchObject({ status: 201, json: { id: expect.any(String), text: 'buy milk' } });
  const path = `/notes/${made.json.id}`;
  expect((await call('acme', 'GET', '/notes')).json).toEqual({ items: [made.json], next: null });
  expect(await call('acme', 'GET', path)).toEqual({ status: 200, json: made.json });
  expect(await call('acme', 'PUT', path, { text: 'buy more' })).toMatchObject({ status: 200 });
  expect((await call('acme', 'GET', path)).json.text).toBe('buy more');
  expect((await call('acme', 'DELETE', path)).status).toBe(204);
  expect((await call('acme', 'GET', path)).status).toBe(404);
});

it('gives nobody another’s notes, though they go by one id', async () => {
  await call('acme', 'PUT', '/notes/plan', { text: 'acme’s' });
  expect((await call('acme-corp', 'GET', '/notes/plan')).status).toBe(404);
  expect((await call('acme-corp', 'GET', '/notes')).json.items).toEqual([]);
  await call('acme-corp', 'DELETE', '/notes/plan');
  expect((await call('acme', 'GET', '/notes/plan')).json.text).toBe('acme’s');
});

it.each([
  ['POST', '/notes', 'no JSON', 400],
  ['POST', '/notes', { text: 7 }, 400],
  ['PUT', '/notes/x', { text: 'x'.repeat(10_001) }, 400],
  ['GET', '/notes?cursor=forged', undefined, 400],
  ['GET', '/notes/a/b', undefined, 404],
  ['PATCH', '/notes', undefined, 404],
])('%s %s with %j is the caller’s mistake: %i', async (method, path, body, status) => {
  expect((await call('acme', method, path, body)).status).toBe(status);
});
