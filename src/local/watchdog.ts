import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { execPath } from 'node:process';
import type { Readable } from 'node:stream';

/*
 * The shell waits for the program; beside it a reader waits for the end of fd 3, whose other end only the
 * parent holds. However the parent goes (SIGKILL included), the pipe ends and with it the whole session:
 *
 *   parent ──fd 3──▶ reader ──end of file──▶ TERM to all, 2 s later KILL
 *   parent ◀─fd 4─── shell: the program's pid, later its exit code; then KILL to what is left, itself included
 *
 * The shell must outlive broken pipes: it holds neither output and ignores SIGPIPE, once the program is started.
 */
const SCRIPT = `
trap : TERM INT HUP
( trap : TERM INT HUP; read -r _ <&3; kill -TERM 0; sleep 2; kill -KILL 0 ) 4>&- >/dev/null 2>&1 &
"$@" 3<&- 4>&- &
program=$!
trap '' PIPE
exec 3<&- >/dev/null 2>&1
echo "$program" >&4
wait "$program"; code=$?
while kill -0 "$program" 2>/dev/null; do wait "$program"; code=$?; done
echo "$code" >&4
kill -KILL 0
`;

/** How long output may trail the exit: only something that left the session can still hold the pipes. */
const TRAILING_OUTPUT_MS = 250;

export interface WatchedOptions {
  command: string;
  args: readonly string[];
  /** The whole environment, apart from a PATH that leads to this Node and the system's commands. */
  env?: Readonly<Record<string, string>>;
  onLine(line: string, stream: 'stdout' | 'stderr'): void;
}

export interface Watched {
  /** The program's own process id. */
  pid: number;
  /** Exit code (128 + signal where one ended it), or null when the watchdog itself was killed. */
  exited: Promise<number | null>;
  /** Ends the program and waits for it: SIGTERM, after 2 s SIGKILL. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a program that cannot outlive this process, in a session of its own, so that Ctrl-C reaches only us.
 * Needs a POSIX shell; rejects with the system's error where there is none.
 */
export async function startWatched(options: WatchedOptions): Promise<Watched> {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'saasctl-watchdog', options.command, ...options.args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: `${dirname(execPath)}:/usr/local/bin:/usr/bin:/bin`, ...options.env },
  });
  const [, stdout, stderr, lifeline, report] = child.stdio as [null, Readable, Readable, Readable, Readable];
  eachLine(stdout, (line) => options.onLine(line, 'stdout'));
  eachLine(stderr, (line) => options.onLine(line, 'stderr'));
  // Both ends of a pipe to a dead process report resets that say nothing new: `exited` does.
  lifeline.on('error', () => undefined);
  report.on('error', () => undefined);

  let exitCode: number | null = null;
  const pid = new Promise<number>((resolve) => {
    let lines = 0;
    eachLine(report, (line) => {
      if (lines++ === 0) resolve(Number(line));
      else exitCode = Number(line);
    });
  });
  const exited = ended(child).then(() => {
    for (const stream of [stdout, stderr, lifeline, report]) stream.destroy();
    return exitCode;
  });
  return {
    pid: await Promise.race([pid, exited.then(() => 0)]),
    exited,
    async stop() {
      lifeline.destroy();
      await exited;
    },
  };
}

/** Settles when the shell is gone and what was written has been read. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => {
      const trailing = setTimeout(resolve, TRAILING_OUTPUT_MS);
      child.once('close', () => {
        clearTimeout(trailing);
        resolve();
      });
      // The last of the streams that `close` waits for; nothing reads it.
      child.stdio[3]?.destroy();
    });
  });
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
}
