import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlStore } from '../../src/core/ports.ts';
import { startEngine } from '../../src/local/engine.ts';
import { findEngine } from '../../src/local/find-engine.ts';
import { createWire, type Wire } from '../../src/runtime/wire/client.ts';
import { startProxy, type WireProxy } from './proxy.ts';
import { CREDENTIALS, open, REGION } from './tenancy.ts';

export interface StoreOnEngine {
  /** The store adapter, its calls going by way of the proxy. */
  store: ControlStore;
  proxy: WireProxy;
  /** Straight to the engine, past proxy and adapter. */
  wire: Wire;
  close(): Promise<void>;
}

/** The store adapter on a real, empty engine, with a proxy between the two. */
export async function openStoreOnEngine(): Promise<StoreOnEngine> {
  const dir = await mkdtemp(join(tmpdir(), 'saasctl-adapters-'));
  const engine = await startEngine({
    binary: findEngine({ env: process.env, platform: process.platform, arch: process.arch }),
    storeDir: dir,
  });
  const { endpoint } = engine;
  const proxy = await startProxy(endpoint);
  const wire = createWire({ endpoint, region: REGION, credentials: CREDENTIALS, timeoutMs: 60_000 });
  const store = await open(proxy.endpoint);
  return {
    store,
    proxy,
    wire,
    async close() {
      await store.close();
      wire.close();
      await proxy.close();
      await engine.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
