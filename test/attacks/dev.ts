// `saasctl dev` on the embedded engine, with the victim as its handler.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { buildAuthorizer } from '../../.ci/authorizer.mjs';
import { run } from '../../src/cli.ts';
import { createDeps } from '../../src/deps.ts';
import { createWire, type Wire } from '../../src/runtime/wire/client.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { CREDENTIALS, REGION, STACK } from '../adapters/tenancy.ts';
import { openProject, type Project, ROOT } from '../fixtures/cli.ts';
import { bundle, sandboxBundle } from '../local/fixtures/bundles.ts';
import { AUDIENCE, type Issuer, startIssuer } from '../runtime/jwt/issuer.ts';
import type { Handler } from './list/interleaved.ts';
import type { Target } from './target.ts';
import { allItems, makeKeys, makeTenants, seed } from './world.ts';

/** What runs as a function. */
const MODULES = {
  victim: new URL('./victim.ts', import.meta.url),
  'flawed-handler': new URL('./flawed-handler.ts', import.meta.url),
  'flawed-authorizer': new URL('./flawed-authorizer.ts', import.meta.url),
};

const CURSOR_SECRET = 'the cursor secret of the attacked API';

export interface DevWorld {
  project: Project;
  wire: Wire;
  issuer: Issuer;
  /** A folder for bundles. */
  dir: string;
  /** Bundles a module of this folder, once. */
  bundled(name: keyof typeof MODULES): Promise<string>;
  /** The shipped authorizer and the sandbox client, once. */
  shipped(): Promise<{ authorizer: string; sandbox: string }>;
  /** What every target on this store has in common. */
  common: Omit<Target, 'mode' | 'url'>;
  /** What functions on this store are told. */
  environment(mode: Target['mode']): Record<string, string>;
  /** Both functions in this process, by their files. */
  imported(authorizer: string, handler: string): Promise<[authorizer: Handler, handler: Handler]>;
  /** Starts `saasctl dev --handler <victim>`. */
  dev(mode: Target['mode']): Promise<Target & { close(): Promise<void> }>;
  close(): Promise<void>;
}

export async function openDevWorld(): Promise<DevWorld> {
  const [project, issuer, dir] = await Promise.all([
    openProject(),
    startIssuer(),
    mkdtemp(join(tmpdir(), 'saasctl-attacks-')),
  ]);
  const wire = createWire({
    endpoint: project.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
    timeoutMs: 60_000,
  });
  await project.edit((file) => {
    // One write less a call, and none of it is what is attacked.
    file.usage = { computeSeconds: false };
    file.metrics = { exports: { unit: 'files', kind: 'counter' } };
    file.profiles.local.jwt = { issuer: issuer.url, audience: AUDIENCE, tenantClaim: 'tenant' };
  });
  const at = (time: () => number) => async (words: string) => {
    project.clock.now = time();
    const ran = await project.cli(`${words} -o json`);
    if (ran.code !== 0) throw new Error(`${words}: ${ran.stderr}`);
    return ran.json();
  };
  const operator = at(Date.now);
  await makeTenants(operator);
  const keys = await makeKeys(
    operator,
    at(() => Date.now() - 2 * 86_400_000),
  );
  // From here on test keys are not served any more.
  await project.edit((file) => {
    file.profiles.local.keyEnvs = ['live'];
  });
  const canaries = await seed(wire, STACK);
  const common = {
    stack: STACK,
    keys,
    canaries,
    issuer,
    silo: null,
    operator,
    items: () => allItems(wire, STACK),
  };

  const bundles = new Map<string, Promise<string>>();
  const bundled = (name: keyof typeof MODULES): Promise<string> => {
    // Credentials come from the environment here: the chain that finds others is half of the bundle.
    const made =
      bundles.get(name) ??
      bundle(dir, relative(ROOT, fileURLToPath(MODULES[name])), ['@aws-sdk/credential-provider-node']);
    bundles.set(name, made);
    return made;
  };

  const environment = (mode: Target['mode']) => ({
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: project.endpoint,
    SAASCTL_STACK: STACK,
    SAASCTL_MODE: mode,
    SAASCTL_TIMEOUT_MS: '60000',
    SAASCTL_COMPUTE_SECONDS: 'off',
    SAASCTL_CURSOR_SECRET: CURSOR_SECRET,
    SAASCTL_METRICS: '{"exports":{"unit":"files","kind":"counter"}}',
    SAASCTL_JWT_ISSUER: issuer.url,
    SAASCTL_JWT_AUDIENCE: AUDIENCE,
    SAASCTL_JWT_TENANT_CLAIM: 'tenant',
  });

  return {
    project,
    wire,
    issuer,
    dir,
    bundled,
    shipped: once(async () => {
      const [sandbox] = await Promise.all([sandboxBundle(dir), buildAuthorizer(dir)]);
      return { sandbox, authorizer: join(dir, 'authorizer.mjs') };
    }),
    common,
    environment,
    async imported(authorizer, handler) {
      // Read with their first calls: it stays until the end.
      for (const [name, value] of Object.entries(environment('authorizer'))) vi.stubEnv(name, value);
      const modules = await Promise.all([import(authorizer), import(handler)]);
      return [modules[0].handler, modules[1].handler];
    },
    async dev(mode) {
      const handler = await bundled('victim');
      const io = testIo({
        env: {
          AWS_ENDPOINT_URL_DYNAMODB: project.endpoint,
          SAASCTL_CURSOR_SECRET: CURSOR_SECRET,
          SAASCTL_TIMEOUT_MS: '60000',
        },
      });
      const stop = new AbortController();
      const home = { io, cwd: project.dir, home: project.dir, now: Date.now, signal: stop.signal };
      const argv = ['dev', '--port', '0', '--mode', mode, '--handler', handler, '-o', 'json'];
      const ended = run(argv, createDeps(home, ROOT, '0.0.0-test'));
      const early = ended.then((code) => `it ended with ${code}: ${io.stderr()}`);
      const ready = firstLine(() => io.stdout());
      const line = await Promise.race([ready, early.then(Promise.reject.bind(Promise))]);
      return {
        ...common,
        mode,
        url: JSON.parse(String(line)).url,
        async close() {
          stop.abort();
          await ended;
        },
      };
    },
    async close() {
      vi.unstubAllEnvs();
      wire.close();
      await Promise.all([project.close(), issuer.close(), rm(dir, { recursive: true, force: true })]);
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function firstLine(said: () => string): Promise<string> {
  while (!said().includes('\n')) await new Promise((resolve) => setTimeout(resolve, 10));
  return said().split('\n')[0] ?? '';
}
