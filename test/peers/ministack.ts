// ministack: AWS on one port of this machine, from a package of another ecosystem. `.ci/peers` brings it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The account that all its callers are of. */
export const ACCOUNT = '000000000000';
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

export interface Ministack {
  endpoint: string;
  stop(): Promise<void>;
}

/** `auth`: signatures and policies are enforced for everybody but the credentials above, which are the account's root. */
export async function startMinistack({ auth = false } = {}): Promise<Ministack> {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  // Functions run in folders below TMPDIR, as modules of the nearest package.json: it is this one.
  const dir = await mkdtemp(join(tmpdir(), 'saasctl-ministack-'));
  await writeFile(join(dir, 'package.json'), '{}');
  const child = spawn('ministack', [], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH,
      HOME,
      TMPDIR: dir,
      AUTH: String(auth),
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      // Functions inherit this environment. A busy machine must not make a call look lost.
      SAASCTL_TIMEOUT_MS: '5000',
    },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2_000);
    });
  }
  const ended = once(child, 'close').then(
    () => `it ended: ${said}`,
    () => 'it is not on PATH: run npm run test:peers',
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const problem = await Promise.race([ended, answers(`${endpoint}/_ministack/health`)]);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  if (problem !== null) {
    await stop();
    throw new Error(`ministack did not start; ${problem}`);
  }
  return { endpoint, stop };
}

async function answers(url: string): Promise<string | null> {
  for (let tries = 0; tries < 300; tries++) {
    const { ok } = await fetch(url).catch(() => ({ ok: false }));
    if (ok) return null;
    await pause(100);
  }
  return 'it did not answer within 30 s';
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
