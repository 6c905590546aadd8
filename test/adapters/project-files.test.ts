import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { projectFiles } from '../../src/adapters/project-files.ts';
import { BIN } from '../fixtures/cli.ts';

const files = projectFiles('');
let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'saasctl-files-'));
  path = join(dir, 'saasctl.json');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it('writes a new file, and nothing beside it', async () => {
  expect(await files.create(path, 'text')).toBe(true);
  expect([await readdir(dir), await readFile(path, 'utf8')]).toEqual([['saasctl.json'], 'text']);
});

it('never writes over one that is there', async () => {
  await writeFile(path, 'mine');
  expect(await files.create(path, 'text')).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('mine');
});

it('nor through a link that leads nowhere', async () => {
  await symlink(join(dir, 'elsewhere'), path);
  expect(await files.create(path, 'text')).toBe(false);
  expect(await readdir(dir)).toEqual(['saasctl.json']);
});

it('of many at once, one writes it, whole', async () => {
  const texts = Array.from({ length: 8 }, (_, one) => String(one).repeat(100_000));
  const made = await Promise.all(texts.map((text) => files.create(path, text)));
  expect(made.filter((one) => one)).toHaveLength(1);
  expect(await readFile(path, 'utf8')).toBe(texts[made.indexOf(true)]);
  expect(await readdir(dir)).toEqual(['saasctl.json']);
});

it('a folder that is not there is the user’s to mend', async () => {
  await expect(files.create(join(dir, 'none', 'saasctl.json'), 'text')).rejects.toMatchObject({
    code: 'not_writable',
    exitCode: 2,
  });
});

it('a write that fails half-way leaves nothing that the next init would take for whole', async () => {
  const init = (limit: string) =>
    spawnSync('sh', ['-c', `ulimit -f ${limit} && exec "$0" "$1" init -o json`, process.execPath, BIN], {
      cwd: dir,
      env: { PATH: process.env['PATH'] ?? '', HOME: dir },
      encoding: 'utf8',
    });
  // One block: the starter file is longer.
  const failed = init('1');
  expect(failed.status, failed.stderr).toBe(2);
  expect(JSON.parse(failed.stderr)).toMatchObject({ code: 'not_writable' });
  expect(await readdir(dir)).toEqual([]);
  const again = init('unlimited');
  expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'created' });
});
