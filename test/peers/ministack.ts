// ministack: AWS on one port of this machine, from a package of another ecosystem. `.ci/peers` brings it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** The account that all its callers are of. */
export const ACCOUNT = '000000000000';
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

export async function startMinistack(): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = spawn('ministack', [], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH,
      HOME,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
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
  if (problem !== null) {
    child.kill('SIGKILL');
    throw new Error(`ministack did not start; ${problem}`);
  }
  return {
    endpoint,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
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
