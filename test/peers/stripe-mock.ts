// stripe-mock: Stripe's own server that takes what its OpenAPI takes, and nothing else. `.ci/peers` brings it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export async function startStripeMock(): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = spawn('stripe-mock', ['-http-addr', `127.0.0.1:${port}`], {
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
  const url = `http://127.0.0.1:${port}`;
  const problem = await Promise.race([ended, answers(url)]);
  if (problem !== null) {
    child.kill('SIGKILL');
    throw new Error(`stripe-mock did not start; ${problem}`);
  }
  return {
    url,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function answers(url: string): Promise<string | null> {
  for (let tries = 0; tries < 300; tries++) {
    // It answers 401 without a key.
    const status = await fetch(url).then(
      ({ status: got }) => got,
      () => 0,
    );
    if (status !== 0) return null;
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
