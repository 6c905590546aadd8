import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, describe, expect, it } from 'vitest';
import { zipOf } from '../../../src/adapters/cloud/zip.ts';
import { artifacts } from '../../../src/deps/artifacts.ts';

const FILES: Record<string, string> = {
  'handler.mjs': 'export const handler = async () => ({ statusCode: 200 });\n',
  'lib/a.mjs': 'export const a = 1;\n'.repeat(100),
  'lib/é.mjs': 'export const e = 2;\n',
};
const bytesOf = (files: Record<string, string>, order = Object.keys(files)) =>
  new Map(order.map((name) => [name, new TextEncoder().encode(files[name])]));

const folders: string[] = [];
const zone = process.env['TZ'];
afterEach(async () => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A folder with the files, made in this order, at this time, with this mode. */
async function onDisk(order: string[], time: number, mode: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'saasctl-zip-'));
  folders.push(folder);
  for (const name of order) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, FILES[name] ?? '');
    await chmod(path, mode);
    await utimes(path, time, time);
  }
  return folder;
}

describe('a zip of code', () => {
  it('is the same bytes twice, under the hash of them', () => {
    const [one, two] = [zipOf('service', bytesOf(FILES)), zipOf('service', bytesOf(FILES))];
    expect(Buffer.compare(one.bytes, two.bytes)).toBe(0);
    expect(one.key).toBe(`service/${createHash('sha256').update(one.bytes).digest('hex')}.zip`);
    expect(two.key).toBe(one.key);
  });

  it('is the same bytes on every machine', () => {
    // Made elsewhere; another deflate, or another default of the library, would be another hash.
    expect(zipOf('service', bytesOf(FILES)).key).toBe(
      'service/1bb4ceab166f130d18a6ea8c027ee89452e8d66080fea0d45c16414981ded861.zip',
    );
  });

  it('does not know in which order, when and with what modes files lie on a disk', async () => {
    const names = Object.keys(FILES);
    const zips = artifacts('/nowhere', '0.0.0');
    const one = await zips.zip('service', await onDisk(names, 1_000_000, 0o600));
    const two = await zips.zip('service', await onDisk([...names].reverse(), 1_700_000_000, 0o755));
    expect(two.key).toBe(one.key);
    expect(one.key).toBe(zipOf('service', bytesOf(FILES)).key);
  });

  it.each(['Asia/Tokyo', 'America/Los_Angeles', 'UTC'])('does not know that it is made in %s', (name) => {
    const here = zipOf('service', bytesOf(FILES)).key;
    process.env['TZ'] = name;
    expect(new Date(1980, 0, 1).getTime()).not.toBeNaN();
    expect(zipOf('service', bytesOf(FILES)).key).toBe(here);
  });

  it.each<[string, Record<string, string>]>([
    ['a byte', { ...FILES, 'handler.mjs': `${FILES['handler.mjs']} ` }],
    ['a name', { 'handler2.mjs': FILES['handler.mjs'] ?? '', 'lib/a.mjs': FILES['lib/a.mjs'] ?? '' }],
    ['a file more', { ...FILES, 'x.mjs': '' }],
  ])('is another one for %s', (_, files) => {
    expect(zipOf('service', bytesOf(files)).key).not.toBe(zipOf('service', bytesOf(FILES)).key);
  });

  it('holds the files, readable by whoever runs them, from 1980', () => {
    const { bytes } = zipOf('service', bytesOf(FILES, Object.keys(FILES).reverse()));
    const found = unzipSync(bytes);
    expect(Object.keys(found)).toEqual(Object.keys(FILES).sort());
    for (const [name, content] of Object.entries(found))
      expect(new TextDecoder().decode(content)).toBe(FILES[name]);
    const view = Buffer.from(bytes);
    const entry = view.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    expect(view.readUInt32LE(entry + 38) >>> 16).toBe(0o644);
    // 1980-01-01, 00:00:00, as a zip writes it.
    expect([view.readUInt16LE(entry + 12), view.readUInt16LE(entry + 14)]).toEqual([0, 0x21]);
  });
});
