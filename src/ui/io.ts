import { fstatSync } from 'node:fs';
import { readAll } from './stdin.ts';

/** The streams and the environment, as everybody but this module sees them. */
export interface Io {
  /**
   * Writes to stdout; resolves once the reader has taken it, so that a long stream waits for a slow reader.
   * After the reader has gone it does nothing. Rejects where the text could not be written (a full disk).
   */
  out(text: string): Promise<void>;
  /** Writes to stderr, and never fails. */
  err(text: string): void;
  readonly stdoutIsTTY: boolean;
  /** Whether stdout keeps nothing: closed, or a device such as /dev/null. */
  readonly stdoutDiscards: boolean;
  readonly stderrIsTTY: boolean;
  readonly stdinIsTTY: boolean;
  /** Width of the terminal in cells. */
  readonly columns: number;
  /** The environment as it was at the start. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of stdin as UTF-8, refused beyond 1 MiB. */
  readStdin(): Promise<string>;
  /** True once the reader of stdout has gone: nobody needs the rest. */
  readonly closed: boolean;
  /** Where questions are asked: stdin and stderr, never stdout. */
  readonly prompt: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream };
}

const DEFAULT_COLUMNS = 80;

/** The process's own streams. */
export function processIo(process: NodeJS.Process): Io {
  const { stdin, stdout, stderr } = process;
  const env = { ...process.env };
  let closed = false;
  // Without listeners, `| head -1` would die of EPIPE; what else fails reaches the writer's promise.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isReaderGone(error)) closed = true;
  });
  stderr.on('error', () => {});

  return {
    out: (text) =>
      new Promise((resolve, reject) => {
        if (closed || text === '') return resolve();
        stdout.write(text, (error) => {
          if (!error) return resolve();
          if (!isReaderGone(error)) return reject(error);
          closed = true;
          resolve();
        });
      }),
    err: (text) => {
      stderr.write(text);
    },
    stdoutIsTTY: stdout.isTTY === true,
    // Node opens /dev/null where stdout was closed.
    get stdoutDiscards() {
      return stdout.isTTY !== true && fstatSync(stdout.fd).isCharacterDevice();
    },
    stderrIsTTY: stderr.isTTY === true,
    stdinIsTTY: stdin.isTTY === true,
    get columns() {
      // A pseudo-terminal that nobody sized says 0.
      return stdout.columns || DEFAULT_COLUMNS;
    },
    env,
    readStdin: () => readAll(stdin),
    get closed() {
      return closed;
    },
    prompt: { input: stdin, output: stderr },
  };
}

function isReaderGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}
