// moto: AWS on one port of this machine, from Python. `.ci/peers` brings it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface Moto {
  endpoint: string;
  /** What Cost Explorer answers next, in this order, whatever is asked. */
  answers(results: readonly unknown[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME },
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
  const problem = await Promise.race([ended, ready(`${endpoint}/moto-api/`)]);
  if (problem !== null) {
    child.kill('SIGKILL');
    throw new Error(`moto did not start; ${problem}`);
  }
  return {
    endpoint,
    async answers(results) {
      await fetch(`${endpoint}/moto-api/reset`, { method: 'POST' });
      const response = await fetch(`${endpoint}/moto-api/static/ce/cost-and-usage-results`, {
        method: 'POST',
        body: JSON.stringify({ results }),
      });
      if (!response.ok) throw new Error(`moto took no results: ${response.status}`);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function ready(url: string): Promise<string | null> {
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
