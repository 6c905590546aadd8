import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const repository = new URL('../..', import.meta.url).pathname;
const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc');

// A customer's project: strict, without our compiler options.
let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'saasctl-types-'));
  const installed = join(project, 'node_modules/saasctl');
  await mkdir(installed, { recursive: true });
  const types = ['-p', join(repository, 'src/runtime/tsconfig.json'), '--outDir', join(installed, 'types')];
  await run(process.execPath, [tsc, ...types]);
  const exports = { './runtime': { types: './types/runtime/index.d.ts' } };
  await writeFile(
    join(installed, 'package.json'),
    JSON.stringify({ name: 'saasctl', type: 'module', exports }),
  );
});
afterAll(() => rm(project, { recursive: true, force: true }));

async function compile(source: string): Promise<string> {
  await writeFile(join(project, 'handler.mts'), source);
  const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', ''];
  const done = run(process.execPath, [tsc, ...flags, 'handler.mts'], { cwd: project });
  return done.then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
}

it("a customer's handler compiles against the emitted declarations", async () => {
  const source = `
    import { claim, recordUsage, release, type Tenant, withTenant } from 'saasctl/runtime';
    interface Event { headers?: Record<string, string | undefined>; body?: string }
    export const handler = withTenant((event: Event, tenant: Tenant) => ({ hello: tenant.tenantId, got: event.body }));
    export const inline = withTenant(async (_event, { scopes }) => scopes.join(), { mode: 'inline' });
    export const metered = withTenant(async (_event, tenant) => {
      const { recorded } = await recordUsage(tenant.tenantId, 'exports', 1, { id: 'order-7' });
      const claimed = await claim(tenant, 'users', 1);
      if (!claimed.granted) return { statusCode: 409, body: \`\${claimed.limitName}: \${claimed.level} of \${claimed.limit}\` };
      await release(tenant, 'users', 1);
      return { recorded };
    });
  `;
  expect(await compile(source)).toBe('');
});

it('the README’s handlers compile', async () => {
  const readme = await readFile(join(repository, 'README.md'), 'utf8');
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, source = '']) => source);
  expect(examples).toHaveLength(2);
  for (const source of examples) expect(await compile(source)).toBe('');
});

it('the package has the library for require() too, which looks for no "import"', () => {
  const own = createRequire(join(repository, 'package.json'));
  expect(own.resolve('saasctl/runtime')).toBe(join(repository, 'dist/runtime/index.js'));
});

it('and a wrong one does not', async () => {
  const source = `
    import { withTenant } from 'saasctl/runtime';
    export const handler = withTenant((_event, tenant) => tenant.nonsense, { mode: 'sideways' });
  `;
  const errors = await compile(source);
  expect(errors).toContain("'nonsense'");
  expect(errors).toContain('"sideways"');
});

it('tenantData has no way to say another tenant’s key, an index or a scan', async () => {
  const fine = `
    import { tenantData, withTenant } from 'saasctl/runtime';
    export const handler = withTenant(async (_event, tenant) => {
      const data = tenantData(tenant);
      await data.put({ SK: 'order#1', total: 7n, tags: new Set(['a']) }, { condition: 'attribute_not_exists(SK)' });
      const { items, cursor } = await data.query({ sk: { beginsWith: 'order#' }, limit: 10 });
      await data.transact([{ check: 'a', condition: 'n > :n', values: { ':n': 1 } }, { delete: 'b' }]);
      return { items, cursor };
    });
  `;
  expect(await compile(fine)).toBe('');
  const wrong = [
    `data.get({ PK: 'TENANT#other', SK: 'a' })`,
    `data.query({ IndexName: 'list' })`,
    `data.query({ sk: { beginsWith: 'a' }, TableName: 'x' })`,
    `data.query({ ExclusiveStartKey: {} })`,
    `data.scan()`,
    `data.executeStatement('SELECT')`,
    `data.put({ total: 1 })`,
    `data.put({ SK: 'a', when: new Date() })`,
    `data.batchGet([{ PK: 'TENANT#other' }])`,
    `data.transact([{ put: { SK: 'a' }, TableName: 'x' }])`,
  ];
  const source = [
    "import { tenantData } from 'saasctl/runtime';",
    "const data = tenantData({ tenantId: 'acme' });",
  ];
  const errors = await compile([...source, ...wrong.map((call) => `void ${call};`)].join('\n'));
  for (const [at, call] of wrong.entries()) expect(errors, call).toContain(`handler.mts(${at + 3},`);
});
