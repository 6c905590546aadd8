import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWire } from '../../src/runtime/wire/client.ts';
import { gateFixture, putGate, putKey, STACK } from '../fixtures/gate.ts';
import { type FaultyServer, startFaultyServer } from '../runtime/wire/faulty-server.ts';

let folder: string;
let file: string;
let metafile: Metafile;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saasctl-authorizer-'));
  file = join(folder, 'authorizer.mjs');
  const banner = { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" };
  const entry = new URL('../../src/lambda/authorizer.ts', import.meta.url).pathname;
  const shape = { bundle: true, minify: true, platform: 'node', target: 'node20.17', format: 'esm' } as const;
  ({ metafile } = await build({ ...shape, entryPoints: [entry], outfile: file, banner, metafile: true }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('has no SDK, validator or command line in it, and is small', () => {
  const packages = Object.keys(metafile.inputs).flatMap(
    (input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? [],
  );
  expect([...new Set(packages)]).toEqual(['aws4']);
  const [output] = Object.values(metafile.outputs);
  expect(output?.bytes).toBeLessThan(30_000);
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
  await putGate(wire, gateFixture());
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
  expect(server.received).toEqual(['GET', 'GetItem', 'UpdateItem']);
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
};

function run(script: string, env: Record<string, string>) {
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env,
    timeout: 20_000,
  });
}
