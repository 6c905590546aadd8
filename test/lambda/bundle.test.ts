import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildAuthorizer } from '../../.ci/authorizer.mjs';
import { createWire } from '../../src/runtime/wire/client.ts';
import { gateFixture, putGate, putKey, STACK } from '../fixtures/gate.ts';
import { type FaultyServer, startFaultyServer } from '../runtime/wire/faulty-server.ts';

let folder: string;
let file: string;
let outputs: Metafile['outputs'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saasctl-authorizer-'));
  file = join(folder, 'authorizer.mjs');
  outputs = await buildAuthorizer(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const packagesIn = (files: readonly string[]): string[] => {
  const inputs = files.flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
  const names = inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return [...new Set(names)];
};
const bytesOf = (files: readonly string[]): number =>
  files.reduce((sum, name) => sum + (outputs[name]?.bytes ?? 0), 0);

/** The files and what they import before they run. */
function loadedWith(files: readonly string[]): string[] {
  const found = new Set(files);
  for (const name of found) {
    for (const { path, kind } of outputs[name]?.imports ?? [])
      if (kind === 'import-statement') found.add(basename(path));
  }
  return [...found].filter((name) => name in outputs);
}

it('has no package in it for keys, at most 25 KB, in few files', () => {
  const atStart = loadedWith(['authorizer.mjs']);
  expect(packagesIn(atStart)).toEqual([]);
  expect(bytesOf(atStart)).toBeLessThanOrEqual(25 * 1024);
  expect(atStart.length).toBeLessThanOrEqual(4);
});

it('has nothing but aws-jwt-verify for tokens, at most 45 KB together', () => {
  const all = Object.keys(outputs);
  expect(packagesIn(all)).toEqual(['aws-jwt-verify']);
  const lazy = all.filter((name) => packagesIn([name]).length > 0 || name.startsWith('bearer'));
  expect(bytesOf(loadedWith(['authorizer.mjs', ...lazy]))).toBeLessThanOrEqual(45 * 1024);
});

it('has neither leases nor folding in what every sandbox loads', () => {
  const inputs = loadedWith(['authorizer.mjs']).flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
  expect(inputs.filter((input) => /leases?\.ts|fold(er)?\.ts/.test(input))).toEqual([]);
});

it('loads neither undici nor node:http on its way to an https endpoint', async () => {
  const script = `
    await import(${JSON.stringify(file)});
    console.log(process.moduleLoadList.filter((name) => /undici|NativeModule http$/.test(name)).join());
  `;
  const env = { AWS_ENDPOINT_URL: 'https://127.0.0.1:9', ...ENV };
  const { stdout } = await run(script, env);
  expect(stdout.trim()).toBe('');
});

it('answers as a module on its own, from its environment alone', async () => {
  const server: FaultyServer = await startFaultyServer();
  const wire = createWire({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  // With a day to fold and a lease, so that both are loaded.
  await putGate(wire, gateFixture({ n: 4, u: { '2020-01-01': 7 } }));
  const key = await putKey(wire);
  const script = `
    const { handler } = await import(${JSON.stringify(file)});
    for (const key of [${JSON.stringify(key)}, 'anb_live_nonsense']) {
      console.log(JSON.stringify(await handler({ headers: { 'x-api-key': key } })));
    }
  `;
  server.received.length = 0;
  const { stdout, stderr } = await run(script, { AWS_ENDPOINT_URL: server.endpoint, ...ENV });
  const [first, second] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toMatchObject({ isAuthorized: true, context: { tenantId: 'acme', apiCalls: 1 } });
  expect(second).toEqual({ isAuthorized: false });
  expect(server.received.slice(0, 3)).toEqual(['GET', 'GetItem', 'UpdateItem']);
  expect(stderr).toBe('');
  wire.close();
  await server.close();
});

it('is unavailable, and says why, in an environment that tells it nothing', async () => {
  const script = `
    const { handler } = await import(${JSON.stringify(file)});
    console.log(JSON.stringify(await handler({ headers: { 'x-api-key': 'anb_live_x' } })));
  `;
  const { stdout, stderr } = await run(script, {});
  expect(JSON.parse(stdout)).toEqual({
    isAuthorized: true,
    context: { denied: 'unavailable', retryAfter: 1 },
  });
  expect(JSON.parse(stderr)).toMatchObject({ event: 'bad_setting', message: 'AWS_REGION is not set' });
});

const ENV = {
  SAASCTL_STACK: STACK,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'a',
  AWS_SECRET_ACCESS_KEY: 'b',
  SAASCTL_TIMEOUT_MS: '30000',
};

function run(script: string, env: Record<string, string>) {
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env,
    timeout: 110_000,
  });
}
