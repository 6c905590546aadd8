import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
    import { type Tenant, withTenant } from 'saasctl/runtime';
    interface Event { headers?: Record<string, string | undefined>; body?: string }
    export const handler = withTenant((event: Event, tenant: Tenant) => ({ hello: tenant.tenantId, got: event.body }));
    export const inline = withTenant(async (_event, { scopes }) => scopes.join(), { mode: 'inline' });
  `;
  expect(await compile(source)).toBe('');
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
