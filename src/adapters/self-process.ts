import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { SelfProcess } from '../core/ports.ts';

const KEPT = 4_000;

interface Surroundings {
  io: {
    out(text: string): unknown;
    err(text: string): void;
    stdoutIsTTY: boolean;
    stderrIsTTY: boolean;
    env: Readonly<Record<string, string | undefined>>;
  };
  cwd: string;
  signal: AbortSignal;
}

/** Runs the built tool again as a process of its own, ended with this one. */
export function runSelf(
  world: Surroundings,
  bin: string,
  args: readonly string[],
  output: 'show' | ((text: string) => void),
): SelfProcess {
  const { io, cwd, signal } = world;
  const shown = output === 'show';
  // On a terminal the child gets the terminal itself, and with it its colours and its width.
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: io.env as NodeJS.ProcessEnv,
    stdio: [
      'ignore',
      shown && io.stdoutIsTTY ? 'inherit' : 'pipe',
      shown && io.stderrIsTTY ? 'inherit' : 'pipe',
    ],
  });
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (shown ? void io.out(text) : output(text)));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (shown) io.err(text);
    else said = (said + text).slice(-KEPT);
  });
  const stop = () => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const exit = once(child, 'close')
    .finally(() => signal.removeEventListener('abort', stop))
    .then(([code]) => (typeof code === 'number' ? code : 130));
  return {
    exit,
    said: () => said,
    async stop() {
      stop();
      await exit;
    },
  };
}
