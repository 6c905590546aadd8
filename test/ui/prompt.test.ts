import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { beforeAll, describe, expect, it } from 'vitest';
import { confirm, typeToConfirm } from '../../src/ui/prompt.ts';
import { type TestIo, testIo } from '../../src/ui/test-io.ts';
import { program } from './program.ts';

/** Answers once the question is there. */
async function answering<T>(io: TestIo, asked: Promise<T>, keys: string): Promise<T> {
  asked.catch(() => {});
  while (!io.stderr().includes('?')) await new Promise((resolve) => setImmediate(resolve));
  io.type(keys);
  return asked;
}

const interrupted = { category: 'interrupted', exitCode: 130 };

describe('a question', () => {
  it.each([
    ['y\r', true],
    ['yes\r', true],
    ['n\r', false],
    ['\r', false],
  ])('%j', async (keys, expected) => {
    const io = testIo({ tty: true });
    expect(await answering(io, confirm('Suspend acme?', io), keys)).toBe(expected);
    expect(io.stdout()).toBe('');
    expect(io.stderr()).toContain('Suspend acme?');
  });

  it('takes the id typed in full, and nothing near it', async () => {
    for (const [keys, expected] of [
      ['acme\r', true],
      ['acm\r', false],
      ['y\r', false],
    ] as const) {
      const io = testIo({ tty: true });
      expect(await answering(io, typeToConfirm('acme', io), keys)).toBe(expected);
    }
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s leaves with 130', async (_name, keys) => {
    const io = testIo({ tty: true });
    await expect(answering(io, confirm('Suspend acme?', io), keys)).rejects.toMatchObject(interrupted);
  });

  it('cannot repaint the screen with what it names', async () => {
    const io = testIo({ tty: true });
    await answering(io, confirm('Suspend \x1b]0;pwned\x07?', io), 'n\r');
    expect(io.stderr()).toContain('\\u001b]0;pwned\\u0007');
  });
});

describe('without a terminal', () => {
  it.each([
    ['stdin piped', { stdout: true, stderr: true }],
    ['stderr piped', { stdin: true, stdout: true }],
    ['nothing but pipes', {}],
  ])('%s: nothing is asked, and a piped answer is none', async (_name, tty) => {
    const io = testIo({ tty, stdin: 'y\n' });
    await expect(confirm('Suspend acme?', io)).rejects.toMatchObject({
      code: 'confirmation_required',
      exitCode: 2,
      next: expect.stringContaining('--yes'),
    });
    await expect(typeToConfirm('acme', io)).rejects.toMatchObject({
      exitCode: 2,
      next: expect.stringContaining('--confirm acme'),
    });
    expect(io.stdout() + io.stderr()).toBe('');
  });
});

describe('on a real terminal', () => {
  let file: string;
  beforeAll(async () => {
    file = await program(`
      import { processIo } from '../../src/ui/io.ts';
      import { confirm } from '../../src/ui/prompt.ts';
      const io = processIo(process);
      try {
        await io.out(String(await confirm('Suspend acme?', io)) + '\\n');
      } catch (error) {
        process.exitCode = error.exitCode ?? 1;
      }`);
  });

  /** Runs the program with stdout in a file, presses keys at the question. */
  async function atTerminal(keys: string) {
    const result = join(dirname(file), 'stdout');
    const terminal = spawn('sh', ['-c', 'exec "$0" "$1" > "$2"', process.execPath, file, result], {
      cols: 80,
      rows: 24,
    });
    let screen = '';
    let asked = false;
    terminal.onData((data) => {
      screen += data;
      if (!asked && screen.includes('(y/N)')) {
        asked = true;
        terminal.write(keys);
      }
    });
    const code = await new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    return { code, screen, stdout: readFileSync(result, 'utf8') };
  }

  it('the question is on stderr and stdout holds the result alone', async () => {
    const { code, screen, stdout } = await atTerminal('y\r');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' });
    expect(screen).toContain('Suspend acme?');
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s leaves with 130 and nothing on stdout', async (_name, keys) => {
    expect(await atTerminal(keys)).toMatchObject({ code: 130, stdout: '' });
  });
});
