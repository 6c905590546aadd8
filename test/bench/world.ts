import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plan } from '../../src/core/plans.ts';
import type { ControlStore } from '../../src/core/ports.ts';
import { startEngine } from '../../src/local/engine.ts';
import { findEngine } from '../../src/local/find-engine.ts';
import { CREDENTIALS, open, REGION, STACK } from '../adapters/tenancy.ts';

/** Without limits, so that each figure sets the one it is about. */
export const PLAN: Plan = {
  name: 'pro',
  apiCallsPerMonth: null,
  storageBytes: null,
  maxUsers: null,
  rate: null,
  burst: 1,
  lease: 1,
  features: [],
  overage: 'block',
};

export type Verdict = 'allowed' | 'refused' | 'rate' | 'quota' | 'unavailable';

/** One sandbox of the built authorizer: its own connections, its own memory. */
export type Sandbox = (secret: string) => Promise<Verdict>;

export interface World {
  /** The package. */
  root: string;
  /** A project folder on the running engine. */
  dir: string;
  endpoint: string;
  store: ControlStore;
  sandbox(endpoint?: string): Promise<Sandbox>;
  close(): Promise<void>;
}

/** Of all worlds: a module is loaded once under a name. */
let sandboxes = 0;

export async function openWorld(root: string): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'saasctl-bench-'));
  await cp(join(root, 'templates', 'saasctl.json'), join(dir, 'saasctl.json'));
  const engine = await startEngine({
    binary: findEngine({ env: process.env, platform: process.platform, arch: process.arch }),
    storeDir: join(dir, '.saasctl'),
  });
  const { endpoint } = engine;
  const store = await open(endpoint);
  return {
    root,
    dir,
    endpoint,
    store,
    async sandbox(through = endpoint) {
      Object.assign(process.env, {
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        AWS_REGION: REGION,
        AWS_ENDPOINT_URL_DYNAMODB: through,
        SAASCTL_STACK: STACK,
        // Hundreds of calls at once on two cores are slow, not lost.
        SAASCTL_TIMEOUT_MS: '20000',
      });
      const bundle = pathToFileURL(join(root, 'dist', 'lambda', 'authorizer.mjs'));
      const { handler } = await import(`${bundle}?sandbox=${++sandboxes}`);
      return async (secret) => {
        const { isAuthorized, context } = await handler({ version: '2.0', headers: { 'x-api-key': secret } });
        return isAuthorized ? (context.denied ?? 'allowed') : 'refused';
      };
    },
    async close() {
      await store.close();
      await engine.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
