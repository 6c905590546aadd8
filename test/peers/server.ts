// A server of another ecosystem on a port of its own. `.ci/peers` brings the programs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const PORT_TRIES = 5;

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
export async function startPeer(program: PeerProgram): Promise<PeerServer> {
  for (let tries = 1; ; tries++) {
    const started = await startOn(await freePort(), program);
    if (typeof started !== 'string') return started;
    // Between our look and its bind another process may take the port.
    if (!/in use/i.test(started) || tries === PORT_TRIES)
      throw new Error(`${program.command} did not start; ${started}`);
  }
}

/** The server, or why it did not start. */
async function startOn(
  port: number,
  {
    command,
    args = () => [],
    env = () => ({}),
    path,
    isReady = (status) => status >= 200 && status < 300,
  }: PeerProgram,
): Promise<PeerServer | string> {
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
  return problem;
}

async function answers(url: string, isReady: (status: number) => boolean): Promise<string | null> {
  for (let tries = 0; tries < 3_000; tries++) {
    const { status } = await fetch(url).catch(() => ({ status: 0 }));
    if (status !== 0 && isReady(status)) return null;
    await pause(100);
  }
  return 'it did not answer within five minutes';
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
