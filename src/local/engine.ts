import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { SaasctlError } from '../core/errors.ts';
import { prepareStoreDir, storeFile, storeProblem } from './store-dir.ts';
import { startWatched, type Watched } from './watchdog.ts';

const PORT_TRIES = 5;
const START_LIMIT_MS = 10_000;
const KEPT_LINES = 10;

export interface EngineOptions {
  /** Path of the engine, from `findEngine`. */
  binary: string;
  /** Directory of the store, created (0700) when missing. Several engines may share one. */
  storeDir: string;
  /** A port to try, each time it is called; a free one of 127.0.0.1 unless given. */
  choosePort?: () => Promise<number>;
}

export interface Engine {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  pid: number;
  /** Settles when the engine is gone: null after `stop()`, the error when it died by itself. */
  exited: Promise<SaasctlError | null>;
  /** Ends the engine and waits for it. May be called again, also after its death. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded DynamoDB engine on a free port of 127.0.0.1 and resolves once it answers. It ends with
 * `stop()` or with this process, however that ends.
 *
 * Throws `store_unusable`, `store_full`, `store_corrupt` (config) or `engine_failed` (remote).
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const storeDir = resolve(options.storeDir);
  await prepareStoreDir(storeDir);
  const choosePort = options.choosePort ?? freePort;
  for (let tries = 1; ; tries++) {
    const started = await startOn(await choosePort(), options.binary, storeDir);
    if (!('failed' in started)) return started;
    // Between our look and its bind another process may take the port.
    if (/port \d+ is already in use|address in use/i.test(started.failed) && tries < PORT_TRIES) continue;
    throw storeProblem(storeDir, started.failed) ?? engineFailed('could not be started', started.failed);
  }
}

async function startOn(port: number, binary: string, storeDir: string): Promise<Engine | { failed: string }> {
  const endpoint = `http://127.0.0.1:${port}`;
  const said: string[] = [];
  let announce: (up: boolean) => void = () => undefined;
  const announced = new Promise<boolean>((settle) => {
    announce = settle;
  });
  const program = await startWatched({
    command: binary,
    args: ['--host', '127.0.0.1', '--port', String(port), '--db-path', storeFile(storeDir)],
    onLine(line) {
      // Its own word rather than a probe: on a lost race somebody else would answer the probe.
      if (line.includes(`listening on ${endpoint}`)) return announce(true);
      said.push(line);
      if (said.length > KEPT_LINES) said.shift();
    },
  }).catch((error: Error) => error);
  if (program instanceof Error) return { failed: program.message };
  const limit = setTimeout(() => announce(false), START_LIMIT_MS);
  const up = await Promise.race([announced, program.exited.then(() => false)]);
  clearTimeout(limit);
  if (up) return running(program, endpoint, storeDir, said);
  await program.stop();
  return { failed: said.join('\n') };
}

function running(program: Watched, endpoint: string, storeDir: string, said: readonly string[]): Engine {
  let stopping = false;
  return {
    endpoint,
    pid: program.pid,
    exited: program.exited.then(() => {
      const text = said.join('\n');
      return stopping ? null : (storeProblem(storeDir, text) ?? engineFailed('ended by itself', text));
    }),
    stop() {
      stopping = true;
      return program.stop();
    },
  };
}

/** What the engine says of itself, such as `dynoxide 1.2.1`. */
export async function engineVersion(binary: string): Promise<string> {
  const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: START_LIMIT_MS });
  return stdout.trim();
}

function engineFailed(what: string, said: string): SaasctlError {
  return new SaasctlError({
    code: 'engine_failed',
    category: 'remote',
    message: `the embedded DynamoDB engine ${what}`,
    hint: `${said === '' ? 'It said nothing' : `It said: ${said}`}. What was acknowledged is in the store.`,
    next: 'saasctl doctor',
    retryable: true,
  });
}

function freePort(): Promise<number> {
  return new Promise((settle, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => settle(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
