// A server of another ecosystem on a port of its own. `.ci/peers` brings the programs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface PeerServer {
  endpoint: string;
  stop(): Promise<void>;
}

export interface PeerProgram {
  command: string;
  args?: (port: number) => string[];
  /** Beside PATH and HOME. */
  env?: (port: number) => Record<string, string>;
  /** What answers once it is ready. */
  path: string;
  isReady?: (status: number) => boolean;
}

/** Starts a program and waits until it answers on 127.0.0.1. Throws with the end of what it said. */
export async function startPeer({
  command,
  args = () => [],
  env = () => ({}),
  path,
  isReady = (status) => status >= 200 && status < 300,
}: PeerProgram): Promise<PeerServer> {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = spawn(command, args(port), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, ...env(port) },
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
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const problem = await Promise.race([ended, answers(`${endpoint}${path}`, isReady)]);
  if (problem === null) return { endpoint, stop };
  await stop();
  throw new Error(`${command} did not start; ${problem}`);
}

async function answers(url: string, isReady: (status: number) => boolean): Promise<string | null> {
  for (let tries = 0; tries < 300; tries++) {
    const { status } = await fetch(url).catch(() => ({ status: 0 }));
    if (status !== 0 && isReady(status)) return null;
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
