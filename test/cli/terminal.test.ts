import { spawn } from '@lydell/node-pty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, openFolder } from '../fixtures/binary.ts';
import { BIN } from '../fixtures/cli.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await openFolder();
  await folder.run('tenant create acme --plan pro -q');
  await folder.run('tenant create a-tenant-with-quite-a-long-id --plan enterprise -q');
});
afterAll(() => folder.close());

interface Session {
  code: number;
  screen: string;
}

/** What a terminal still holds may go with its last process: that one waits until all before it has been read. */
const END = '\u001e';
const READ_WHOLE = `trap : INT; "$@"; code=$?; printf '${END}'; read -r _; exit $code`;

/** Runs a command on a pseudo-terminal, and types where it asks. */
function onTerminal(
  words: string,
  options: { cols?: number; env?: Record<string, string>; answers?: [RegExp, string][] } = {},
): Promise<Session> {
  const { cols = 100, env = {}, answers = [] } = options;
  const pty = spawn('sh', ['-c', READ_WHOLE, 'sh', process.execPath, BIN, ...words.split(' ')], {
    cols,
    rows: 40,
    cwd: folder.dir,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder.dir,
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
      ...env,
    },
  });
  let screen = '';
  const open = [...answers];
  pty.onData((text) => {
    screen += text;
    if (screen.includes(END)) pty.write('\r');
    const next = open[0];
    if (next?.[0].test(screen)) {
      open.shift();
      pty.write(next[1]);
    }
  });
  return new Promise((resolve) => pty.onExit(({ exitCode }) => resolve({ code: exitCode, screen })));
}

const ESC = '\u001b';
const ANSI = new RegExp(`${ESC}\\[[0-9;?]*[a-zA-Z]`, 'g');
const plain = (screen: string) => screen.replace(ANSI, '');

describe('on a terminal', () => {
  it('a table is aligned, has colours and fits the width', async () => {
    for (const cols of [60, 100, 160]) {
      const { code, screen } = await onTerminal('tenant list', { cols });
      expect(code).toBe(0);
      expect(screen).toContain(`${ESC}[32m`);
      const lines = plain(screen).split(/\r?\n/);
      expect(screen).not.toContain('\t');
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(cols);
    }
  });

  it('NO_COLOR and --no-color take the colours and leave the columns', async () => {
    for (const session of [
      await onTerminal('tenant list', { env: { NO_COLOR: '1' } }),
      await onTerminal('tenant list --no-color'),
    ]) {
      expect(session.screen).not.toContain(`${ESC}[3`);
      expect(session.screen).toMatch(/acme {2,}acme {2,}pro/);
    }
  });

  it('usage has a bar with its numbers', async () => {
    const { screen } = await onTerminal('usage show acme');
    expect(plain(screen)).toMatch(/0 of 100000 \(0 %\)/);
  });

  it('danger shows the target and asks; Enter is no, y is yes', async () => {
    const no = await onTerminal('tenant suspend acme', { answers: [[/\(y\/N\)/, '\r']] });
    expect([no.code, plain(no.screen)]).toEqual([130, expect.stringContaining('profile local')]);
    expect(plain(no.screen)).toMatch(/status.*active.*suspended/);
    const yes = await onTerminal('tenant suspend acme', { answers: [[/\(y\/N\)/, 'y\r']] });
    expect(yes.code).toBe(0);
    expect((await folder.run('tenant resume acme')).code).toBe(0);
  });

  it('severe danger wants the id typed; Ctrl-C leaves all as it was', async () => {
    await folder.run('tenant create doomed -q');
    const wrong = await onTerminal('tenant delete doomed', { answers: [[/confirm/, 'domed\r']] });
    expect(wrong.code).toBe(130);
    const left = await onTerminal('tenant delete doomed', { answers: [[/confirm/, '\u0003']] });
    expect(left.code).toBe(130);
    expect(JSON.parse((await folder.run('tenant show doomed -o json')).stdout).status).toBe('active');
    const typed = await onTerminal('tenant delete doomed', { answers: [[/confirm/, 'doomed\r']] });
    expect(typed.code).toBe(0);
    expect(JSON.parse((await folder.run('tenant show doomed -o json')).stdout).status).toBe('deleted');
  });

  it('key verify reads a pasted key', async () => {
    const { key } = JSON.parse((await folder.run('key create --tenant acme -o json')).stdout);
    const { code, screen } = await onTerminal('key verify', {
      answers: [[/paste the key/, `${key}\r\u0004`]],
    });
    expect(code).toBe(0);
    expect(plain(screen)).toMatch(/valid.*true/);
  });
});

describe('off a terminal', () => {
  it('the same table is tab-separated, whole, and without colour, also with FORCE_COLOR unset and a CI', async () => {
    const { stdout, stderr } = await folder.run('tenant list', {
      env: { CI: 'true', TERM: 'xterm-256color' },
    });
    expect(stderr).toBe('');
    expect(stdout).not.toMatch(ANSI);
    const [header, first] = stdout.split('\n');
    expect(header).toBe('id\tname\tplan\tstatus\tisolation\tcalls/month\tcreated\tapi');
    expect(first?.split('\t')[0]).toBe('a-tenant-with-quite-a-long-id');
  });

  it.each(['json', 'yaml', 'csv', 'id'])(
    '-o %s has the result on stdout and nothing else',
    async (format) => {
      const { code, stdout, stderr } = await folder.run(`tenant list -o ${format}`);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain('acme');
      expect(stdout.endsWith('\n')).toBe(true);
    },
  );
});
