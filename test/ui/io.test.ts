import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { testIo } from '../../src/ui/test-io.ts';
import { program } from './program.ts';

const exec = promisify(execFile);
const node = process.execPath;

/** Runs a shell line in which `"$@"` is the program. */
async function shell(line: string, file: string, ...args: string[]) {
  const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8' };
  return exec('sh', ['-c', line, 'sh', node, file, ...args], { env }).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    ({ stdout, stderr, code }) => ({ stdout, stderr, code }),
  );
}

describe('the process’s own streams', () => {
  let stream: string;
  let echo: string;
  beforeAll(async () => {
    // Writes without end until the reader has gone, then says how it left.
    stream = await program(`
      import { processIo } from '../../src/ui/io.ts';
      const io = processIo(process);
      const most = Number(process.argv[2]);
      let written = 0;
      try {
        for (; written < most && !io.closed; written++) await io.out('line ' + written + '\\n');
        io.err('left after fewer than all: ' + (written < most) + '\\n');
      } catch (error) {
        io.err('failed: ' + error.code + '\\n');
        process.exitCode = 6;
      }`);
    echo = await program(`
      import { processIo } from '../../src/ui/io.ts';
      const io = processIo(process);
      try {
        await io.out(await io.readStdin());
      } catch (error) {
        io.err(error.code);
        process.exitCode = error.exitCode;
      }
      await io.out([io.stdinIsTTY, io.stdoutIsTTY, io.stderrIsTTY, io.columns].join(' '));`);
  });

  it('end quietly when the reader of stdout leaves', async () => {
    const { stdout, stderr } = await shell('{ "$@"; echo "exit $?" >&2; } | head -1', stream, '10000000');
    expect(stdout).toBe('line 0\n');
    expect(stderr).toBe('left after fewer than all: true\nexit 0\n');
  });

  it('report a full disk', async () => {
    const { stderr, code } = await shell('"$@" > /dev/full', stream, '10');
    expect(stderr).toBe('failed: ENOSPC\n');
    expect(code).toBe(6);
  });

  it('lose nothing of a long stream to a slow reader', async () => {
    const child = spawn(node, [stream, '30000'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let lines = 0;
    for await (const chunk of child.stdout) {
      lines += String(chunk).split('\n').length - 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lines).toBe(30_000);
  });

  it('survive a stderr that is gone', async () => {
    const { stdout, code } = await shell('"$@" 2>&-', stream, '2');
    expect(stdout).toBe('line 0\nline 1\n');
    expect(code).toBe(0);
  });

  it('read stdin whole, and know a pipe from a terminal', async () => {
    const { stdout } = await shell('printf "über\\nzwei" | "$@" 2>&1 | cat', echo);
    expect(stdout).toBe('über\nzweifalse false false 80');
  });

  it('refuse more than 1 MiB on stdin', async () => {
    const { stderr, code } = await shell('head -c 1048577 /dev/zero | "$@"', echo);
    expect(stderr).toBe('stdin_too_large');
    expect(code).toBe(2);
  });
});

describe('the twin for tests', () => {
  it('keeps what it is given', async () => {
    const io = testIo({ stdin: 'key', env: { LANG: 'C' } });
    await io.out('result');
    io.err('note');
    expect([io.stdout(), io.stderr(), await io.readStdin(), io.env['LANG']]).toEqual([
      'result',
      'note',
      'key',
      'C',
    ]);
  });

  it('takes nothing more once its reader has gone', async () => {
    const io = testIo();
    await io.out('a');
    io.closeStdout();
    await io.out('b');
    expect([io.stdout(), io.closed]).toEqual(['a', true]);
  });

  it('is a terminal where told', () => {
    const io = testIo({ tty: { stdin: true, stdout: false }, columns: 33 });
    expect([io.stdinIsTTY, io.stdoutIsTTY, io.stderrIsTTY, io.columns]).toEqual([true, false, false, 33]);
  });
});
