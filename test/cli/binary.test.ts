import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, openFolder } from '../fixtures/binary.ts';
import { BIN, ROOT } from '../fixtures/cli.ts';
import { clearOfMidnight } from '../fixtures/midnight.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await openFolder();
});
afterAll(() => folder.close());

/** Where a process runs: with nothing in its environment of whoever runs the tests. */
const surroundings = () => ({
  cwd: folder.dir,
  env: { PATH: process.env['PATH'] ?? '', HOME: folder.dir },
});

describe('the shim', () => {
  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(await folder.run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect((await folder.run('tenant --version')).stdout).toBe(`${version}\n`);
  });

  it('has a code cache that this Node takes, and that does not say where it was built', () => {
    const bundle = join(ROOT, 'dist', 'saasctl.cjs');
    const { script } = createRequire(BIN)('./bundle.js').load(bundle);
    expect(script.cachedDataRejected).toBe(false);
    expect(readFileSync(`${bundle}.cache`, 'latin1')).not.toContain(ROOT.replace(/\/$/, ''));
  });

  it('that has no build says how to make one', () => {
    const copy = mkdtempSync(join(tmpdir(), 'saasctl-copy-'));
    for (const part of ['bin', 'package.json'])
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, [join(copy, 'bin', 'saasctl.js'), 'deploy'], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining('npm run build')]);
    rmSync(copy, { recursive: true });
  });

  it('runs without its code cache too, as on another Node than the one that built it', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'saasctl-copy-'));
    for (const part of ['bin', 'dist', 'templates', 'package.json'])
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    for (const spoil of [
      () => writeFileSync(join(copy, 'dist', 'saasctl.cjs.cache'), 'of another Node'),
      () => rmSync(join(copy, 'dist', 'saasctl.cjs.cache')),
    ]) {
      spoil();
      const { status, stdout } = spawnSync(
        process.execPath,
        [join(copy, 'bin', 'saasctl.js'), 'plan', 'list', '-o', 'id', '--query', 'items[].name | [0]'],
        {
          ...surroundings(),
          encoding: 'utf8',
        },
      );
      expect([status, stdout]).toEqual([0, 'free\n']);
    }
    rmSync(copy, { recursive: true });
  });

  it('helps on stdout, with exit code 0, when asked; and says what was probably meant when not', async () => {
    for (const words of ['', '--help', 'help', 'help tenant create', 'tenant create --help']) {
      const { code, stdout, stderr } = await folder.run(words);
      expect([code, stderr, stdout.includes('Usage: saasctl')], words).toEqual([0, '', true]);
    }
    // The one that the build wrote down is the one that the program prints.
    expect((await folder.run('--help')).stdout).toBe((await folder.run('help')).stdout);
    const typo = await folder.run('tenant crate acme');
    expect([typo.code, typo.stdout]).toEqual([2, '']);
    expect(typo.stderr).toContain('create');
  });
});

describe('quickstart', () => {
  it('tells the whole story in an empty folder, and again at once', async () => {
    const empty = await openFolder({ bare: true });
    try {
      for (const round of [1, 2]) {
        // Its calls are counted, billed and limited by day and month.
        await clearOfMidnight(120_000);
        const { code, stdout, stderr } = await empty.run('quickstart');
        expect([code, stderr.includes('error')], stderr).toEqual([0, false]);
        expect(stdout.includes('$ saasctl init')).toBe(round === 1);
        for (const step of [
          /\$ saasctl tenant create demo-[a-z]{4} --plan free/,
          /\$ saasctl key create --tenant demo-[a-z]{4}/,
          /no key: 401 ×1/,
          /one character changed: 403 ×1/,
          /8 at once: 200 ×\d, 429 ×\d \(Retry-After: 1\)/,
          /old secret: 200 ×1/,
          /new secret: 200 ×1/,
          /until refused: .*429 ×1 \(Retry-After: \d{3,}\)/,
          /12 of 12 \(100 %\)/,
          /tenant update .*\n(.*\n)*?.*a second later: 200 ×1/,
          /key revoke .*\n(.*\n)*?.*next call: 403 ×1/,
          // The calls just made arrive, once: 13 of them, the one after the raised limit among them.
          /usage sync-stripe .*\n.*\n.*\tapi_calls\t\S+\t13\t13\t13\tsent/,
          /usage sync-stripe .*\n.*\n.*\tapi_calls\t\S+\t13\t13\t0\tsettled/,
          /usage reconcile .*\n.*\n.*\tapi_calls\t\S+\t13\t13\t0\t13\t0\tequal/,
          /key\.revoke/,
        ]) {
          expect(stdout).toMatch(step);
        }
        // The demo's secrets are in files, not in what is shown.
        expect(stdout).not.toMatch(/anb_live_[0-9A-Za-z]{38}/);
      }
      expect(JSON.parse((await empty.run('tenant list -o json')).stdout).items).toHaveLength(2);
    } finally {
      await empty.close();
    }
  }, 600_000);
});

describe('what surrounds a run', () => {
  it('a reader that has seen enough ends it quietly', async () => {
    for (let i = 0; i < 3; i++) await folder.run(`tenant create t${i}0 -q`);
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-o', 'pipefail', '-c', `'${process.execPath}' '${BIN}' tenant list | head -1`],
      {
        ...surroundings(),
        encoding: 'utf8',
      },
    );
    expect([status, stdout.split('\t')[0], stderr]).toEqual([0, 'id', '']);
  });

  it('a secret that nobody would see is not made; one that nobody saw is not called a success', async () => {
    await folder.run('tenant create shy -q');
    const sh = (line: string) =>
      spawnSync('bash', ['-c', `saasctl() { '${process.execPath}' '${BIN}' "$@"; }; ${line}`], {
        ...surroundings(),
        encoding: 'utf8',
      });
    for (const nowhere of ['>&-', '> /dev/null', '> /dev/full']) {
      const { status, stderr } = sh(`saasctl key create --tenant shy ${nowhere}`);
      expect([nowhere, status, /--secret-file/.test(stderr)]).toEqual([nowhere, 2, true]);
    }
    expect((await folder.run('key list --tenant shy -o id')).stdout).toBe('');
    const gone = sh('( saasctl key create --tenant shy -o json; echo $? >&2 ) | true');
    expect(gone.stderr).toContain('secret_not_shown');
    expect(gone.stderr.trim().split('\n').at(-1)).toBe('7');
    const full = sh('saasctl tenant list > /dev/full');
    expect([full.status, /ENOSPC/.test(full.stderr)]).toEqual([6, true]);
  });

  it('an interrupt ends a command at once with 130, or it finishes and says so; never half, never hanging', async () => {
    await folder.run('tenant create hasty -q');
    for (let delay = 60; delay <= 420; delay += 60) {
      const name = `k${delay}`;
      const file = join(folder.dir, `${name}.key`);
      const child = spawn(
        process.execPath,
        [BIN, 'key', 'create', '--tenant', 'hasty', '--name', name, '--secret-file', file],
        {
          ...surroundings(),
          stdio: 'ignore',
        },
      );
      const ended = once(child, 'exit');
      setTimeout(() => child.kill('SIGINT'), delay);
      const hung = setTimeout(() => child.kill('SIGKILL'), 60_000);
      const [code, signal] = await ended;
      clearTimeout(hung);
      const made = (await folder.run('key list --tenant hasty -o csv')).stdout.includes(`,${name},`);
      // Before the tool has set itself up, the signal ends it as it ends any process.
      expect([0, 130, null], `after ${delay} ms: ${code} ${signal}`).toContain(code);
      expect(signal === null || signal === 'SIGINT').toBe(true);
      expect([delay, existsSync(file)]).toEqual([delay, made]);
      if (code === 0) expect(made).toBe(true);
    }
  }, 600_000);

  it('several commands at once share one store', async () => {
    const runs = await Promise.all(
      Array.from({ length: 6 }, (_, i) => folder.run(`tenant create twin${i % 3} -o json`)),
    );
    expect(runs.map(({ code }) => code)).toEqual(Array(6).fill(0));
    const outcomes = runs.map(({ stdout }) => JSON.parse(stdout).outcome).sort();
    expect(outcomes).toEqual(['created', 'created', 'created', 'unchanged', 'unchanged', 'unchanged']);
  });

  it('without a project file names init and --config', async () => {
    const empty = await openFolder({ bare: true });
    const { code, stderr } = await empty.run('tenant list');
    expect(code).toBe(2);
    expect(stderr).toMatch(/saasctl init/);
    expect(stderr).toMatch(/--config/);
    await empty.close();
  });

  it('init writes the project file and ignores the store, once', async () => {
    const empty = await openFolder({ bare: true });
    writeFileSync(join(empty.dir, '.gitignore'), 'node_modules');
    expect((await empty.run('init -o json')).stdout).toContain('"created"');
    expect((await empty.run('init -o json')).stdout).toContain('"unchanged"');
    expect(readFileSync(join(empty.dir, '.gitignore'), 'utf8')).toBe('node_modules\n.saasctl/\n');
    await empty.close();
  });

  it('a broken project file says line and column', async () => {
    const broken = await openFolder({ bare: true });
    writeFileSync(join(broken.dir, 'saasctl.json'), '{\n  "version": 1,\n  "plans" {}\n}\n');
    const { code, stderr } = await broken.run('tenant list');
    expect([code, /3:1\d|line 3/.test(stderr)], stderr).toEqual([2, true]);
    await broken.close();
  });

  it('CI with several profiles wants one named', async () => {
    const many = await openFolder();
    const file = join(many.dir, 'saasctl.json');
    const project = JSON.parse(readFileSync(file, 'utf8'));
    project.profiles.prod = {
      account: '123456789012',
      region: 'eu-west-1',
      stack: 'prod',
      keyEnvs: ['live'],
      stripe: 'live',
    };
    writeFileSync(file, JSON.stringify(project));
    const { code, stderr } = await many.run('tenant list', { env: { CI: 'true' } });
    expect([code, /--profile/.test(stderr)]).toEqual([2, true]);
    expect((await many.run('tenant list --profile local', { env: { CI: 'true' } })).code).toBe(0);
    const remote = await many.run('dev --port 0 --profile prod');
    expect([remote.code, /profile local/.test(remote.stderr)]).toEqual([2, true]);
    await many.close();
  });

  it('--debug says one line a call, and no secret, wherever it is typed', async () => {
    await folder.run('tenant create debugged -q');
    const made = await folder.run('key create --tenant debugged -o json --debug');
    const { key } = JSON.parse(made.stdout);
    expect(made.stderr.match(/^debug: dynamodb \w+ 200 \d+ ms/gm)?.length).toBeGreaterThan(2);
    const verified = await folder.run('key verify --debug', {
      stdin: key,
      env: { STRIPE_API_KEY: 'sk_test_abcdefghijkl' },
    });
    for (const text of [made.stderr, verified.stderr, verified.stdout]) {
      expect(text).not.toContain(key.slice(9, 30));
      expect(text).not.toContain('sk_test_abcdefghijkl');
    }
  });

  it('an install without the engine’s package says what to install', () => {
    const copy = mkdtempSync(join(tmpdir(), 'saasctl-copy-'));
    for (const part of ['bin', 'dist', 'templates', 'package.json'])
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    mkdirSync(join(copy, 'project'));
    cpSync(join(ROOT, 'templates', 'saasctl.json'), join(copy, 'project', 'saasctl.json'));
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(copy, 'bin', 'saasctl.js'), 'tenant', 'list', '-o', 'json'],
      {
        cwd: join(copy, 'project'),
        env: { PATH: '/nowhere', HOME: copy },
        encoding: 'utf8',
      },
    );
    rmSync(copy, { recursive: true });
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'engine_not_found',
      category: 'config',
      next: expect.stringMatching(/install|npm i /),
    });
  });

  it('a store that cannot be used is a clear error, and is left as it was', async () => {
    const blocked = await openFolder();
    writeFileSync(join(blocked.dir, '.saasctl'), 'not a folder');
    const { code, stderr } = await blocked.run('tenant list -o json');
    expect([code, JSON.parse(stderr).code]).toEqual([2, 'store_unusable']);
    expect(readFileSync(join(blocked.dir, '.saasctl'), 'utf8')).toBe('not a folder');
    await blocked.close();
  });

  it('the store is readable by its owner alone', async () => {
    await folder.run('tenant list -q');
    expect(statSync(join(folder.dir, '.saasctl')).mode & 0o077).toBe(0);
  });
});
