import { PassThrough, Writable } from 'node:stream';
import type { Io } from './io.ts';
import { readAll } from './stdin.ts';

export interface TestIo extends Io {
  /** What was written so far. */
  stdout(): string;
  stderr(): string;
  /** The reader of stdout goes away, as `| head -1` does. */
  closeStdout(): void;
  /** Keys pressed at a question, such as `y\r` or Ctrl-C as `\u0003`. */
  type(keys: string): void;
}

export interface TestIoOptions {
  /** Whether the three streams are a terminal: all, none (the default), or each. */
  tty?: boolean | { stdin?: boolean; stdout?: boolean; stderr?: boolean };
  columns?: number;
  /** What stdin holds; ends there. */
  stdin?: string;
  env?: Record<string, string>;
}

/** The twin of `processIo` that keeps what it is given. */
export function testIo(options: TestIoOptions = {}): TestIo {
  const { tty = false, columns = 80, stdin, env = {} } = options;
  const isTTY = typeof tty === 'boolean' ? { stdin: tty, stdout: tty, stderr: tty } : tty;
  let stdout = '';
  let stderr = '';
  let closed = false;
  const input = new PassThrough();
  if (stdin !== undefined) input.end(stdin);
  const output = new Writable({
    write(chunk, _encoding, done) {
      stderr += String(chunk);
      done();
    },
  });

  return {
    out: async (text) => {
      if (!closed) stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    stdoutIsTTY: isTTY.stdout ?? false,
    stdoutDiscards: false,
    stderrIsTTY: isTTY.stderr ?? false,
    stdinIsTTY: isTTY.stdin ?? false,
    columns,
    env: { ...env },
    readStdin: () => readAll(input),
    get closed() {
      return closed;
    },
    prompt: { input, output },
    stdout: () => stdout,
    stderr: () => stderr,
    closeStdout: () => {
      closed = true;
    },
    type: (keys) => {
      input.write(keys);
    },
  };
}
