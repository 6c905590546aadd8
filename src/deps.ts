import { homedir, hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { checkEndpoint } from './adapters/endpoint.ts';
import { projectFiles } from './adapters/project-files.ts';
import { inSmallHeap } from './adapters/young-heap.ts';
import type { Backend, Deps, Trace } from './commands/context.ts';
import type { Config } from './config/load.ts';
import { EXIT, SaasctlError } from './core/errors.ts';
import { checkAccount } from './deps/account.ts';
import { artifacts } from './deps/artifacts.ts';
import { openBilling } from './deps/billing.ts';
import { identify, openCloud } from './deps/cloud.ts';
import { costModel, openCost } from './deps/cost.ts';
import { startHttpApi } from './deps/http-api.ts';
import { processIo } from './ui/io.ts';

/** The embedded engine takes any credentials; the user's own never go there. */
const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** What the process gives: in tests, a twin that keeps what is written and has a clock to set. */
export type World = Pick<Deps, 'io' | 'cwd' | 'home' | 'now' | 'signal'> & Partial<Pick<Deps, 'pause'>>;

export function processWorld(process: NodeJS.Process): World {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(EXIT.interrupted);
      stop.abort();
    });
  }
  // The SDK says this in seven lines on stderr; doctor says it in one.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  return { io: processIo(process), cwd: process.cwd(), home: homedir(), now: Date.now, signal: stop.signal };
}

/**
 * The CLI's composition root: the only place that imports adapters and the embedded engine, each when it
 * is first needed, so that `--help` builds nothing.
 */
export function createDeps(world: World, packageRoot: string, version: string): Deps {
  const { io, cwd } = world;
  const { env } = io;
  return {
    pause: (ms) => new Promise((wake) => setTimeout(wake, ms)),
    ...world,
    env,
    version,
    openBackend: (config, trace) => (config.isLocal ? openLocal(config, env, trace) : openAws(config, trace)),
    openBilling: (config, trace) => openBilling(world, config, trace),
    openCost: (config, trace, say) => openCost(packageRoot, world, config, trace, say),
    openCloud: (config, trace) => openCloud(world, config, trace),
    artifacts: artifacts(packageRoot, version),
    identify: (region, awsProfile) => identify(world, region, awsProfile),
    costModel: () => costModel(packageRoot),
    secretFile: (path) => lazySecretFile(resolve(cwd, path)),
    files: projectFiles(join(packageRoot, 'templates', 'saasctl.json')),
    startHttpApi: (config, backend, options) => startHttpApi(packageRoot, world, config, backend, options),
    async projectFile() {
      const { findProjectFile } = await import('./config/find.ts');
      return findProjectFile(cwd).then(
        ({ file }) => file,
        (error: unknown) => {
          if (error instanceof SaasctlError && error.code === 'config_not_found') return null;
          throw error;
        },
      );
    },
    async runSelf(args, output) {
      const { runSelf } = await import('./adapters/self-process.ts');
      return runSelf(world, join(packageRoot, 'bin', 'saasctl.js'), args, output);
    },
    async http(url, headers) {
      const response = await fetch(url, { headers });
      await response.arrayBuffer();
      return { status: response.status, retryAfter: response.headers.get('retry-after') };
    },
    async host() {
      return {
        node: process.version,
        platform: `${process.platform} ${process.arch}`,
        engine: await engineFacts(env),
      };
    },
  };
}

async function openLocal(config: Config, env: Deps['env'], trace: Trace | null): Promise<Backend> {
  const variable = env['AWS_ENDPOINT_URL_DYNAMODB'] ? 'AWS_ENDPOINT_URL_DYNAMODB' : 'AWS_ENDPOINT_URL';
  const named = env[variable];
  const given = named ? checkEndpoint(named, variable) : null;
  // The adapter loads while the engine starts.
  const adapter = import('./adapters/dynamodb/store.ts');
  const engine = given ? null : await startLocalEngine(config.storeDir, env);
  const endpoint = given ?? engine?.endpoint ?? null;
  try {
    const { openStore } = await adapter;
    const { store, ledger, census } = await openStore({
      region: config.profile.region,
      stack: config.profile.stack,
      endpoint,
      credentials: LOCAL_CREDENTIALS,
      awsProfile: null,
      createMissing: true,
      trace,
    });
    return {
      store,
      ledger: inSmallHeap(ledger),
      census,
      actor: `${userName()}@${hostname()}`,
      endpoint,
      clockSkewMs: null,
      credentials: async () => asVariables(LOCAL_CREDENTIALS),
      async close() {
        await store.close();
        await engine?.stop();
      },
    };
  } catch (error) {
    await engine?.stop();
    throw error;
  }
}

async function startLocalEngine(storeDir: string, env: Deps['env']) {
  const { findEngine } = await import('./local/find-engine.ts');
  const { startEngine } = await import('./local/engine.ts');
  return startEngine({
    binary: findEngine({ env, platform: process.platform, arch: process.arch }),
    storeDir,
  });
}

async function openAws(config: Config, trace: Trace | null): Promise<Backend> {
  const { region, stack, awsProfile = null } = config.profile;
  const { callerIdentity } = await import('./adapters/sts.ts');
  const caller = await callerIdentity({ region, awsProfile, trace });
  checkAccount(config, caller.account);
  const { openStore } = await import('./adapters/dynamodb/store.ts');
  const { store, ledger, census, credentials } = await openStore({
    region,
    stack,
    endpoint: null,
    credentials: null,
    awsProfile,
    createMissing: false,
    trace,
  });
  return {
    store,
    ledger: inSmallHeap(ledger),
    census,
    actor: caller.arn,
    endpoint: null,
    clockSkewMs: caller.clockSkewMs,
    credentials: async () => asVariables(await credentials()),
    close: () => store.close(),
  };
}

const asVariables = (credentials: {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}) => ({
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
});

function lazySecretFile(path: string) {
  const file = import('./adapters/secret-file.ts').then(({ secretFile }) => secretFile(path));
  return {
    staged: `${path}.new`,
    stage: async (secret: string) => (await file).stage(secret),
    keep: async () => (await file).keep(),
    discard: async () => (await file).discard(),
  };
}

async function engineFacts(env: Deps['env']) {
  const { findEngine } = await import('./local/find-engine.ts');
  try {
    const path = findEngine({ env, platform: process.platform, arch: process.arch });
    const { engineVersion } = await import('./local/engine.ts');
    return { path, version: await engineVersion(path) };
  } catch (error) {
    if (error instanceof SaasctlError) return { missing: error.message };
    throw error;
  }
}

const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user without an entry.
    return 'unknown';
  }
};
