// What deploy makes of the built bundles and of a project's own code, before anything is uploaded.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artifacts } from '../../src/commands/context.ts';
import type { SaasctlError } from '../../src/core/errors.ts';
import { artifacts } from '../../src/deps/artifacts.ts';

let root: string;
let ours: Artifacts;
const BUILT = {
  'authorizer.mjs': 'export const handler = 1;',
  'authorizer-leases.mjs': 'export const leases = 1;',
  'billing-sync.mjs': 'export const handler = 2;',
  'service/handler.mjs': 'export const handler = 3;',
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const manifest = (version: string): string =>
  JSON.stringify({
    version,
    files: Object.fromEntries(Object.entries(BUILT).map(([name, text]) => [name, sha256(text)])),
  });
const write = async (path: string, text: string): Promise<string> => {
  const file = join(root, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, text);
  return file;
};
const names = (bytes: Uint8Array): string[] => Object.keys(unzipSync(bytes)).sort();
const refusal = async (work: Promise<unknown>): Promise<SaasctlError> =>
  work.then(
    () => Promise.reject(new Error('was not refused')),
    (error: SaasctlError) => error,
  );

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'saasctl-code-'));
  for (const [name, text] of Object.entries(BUILT)) await write(`dist/lambda/${name}`, text);
  await write('dist/build.json', manifest('1.2.0'));
  ours = artifacts(root, '1.2.0');
});
afterEach(() => rm(root, { recursive: true }));

describe('the built bundles', () => {
  it('are zipped each with what it loads, under the hash of the bytes', async () => {
    const authorizer = await ours.zip('authorizer', null);
    expect(names(authorizer.bytes)).toEqual(['authorizer-leases.mjs', 'authorizer.mjs']);
    expect(authorizer.key).toContain(createHash('sha256').update(authorizer.bytes).digest('hex'));
    expect(names((await ours.zip('billing-sync', null)).bytes)).toEqual(['billing-sync.mjs']);
    expect(names((await ours.zip('service', null)).bytes)).toEqual(['handler.mjs']);
  });

  it.each([
    ['there is none', () => rm(join(root, 'dist'), { recursive: true })],
    ['it is another version’s', () => write('dist/build.json', manifest('1.1.0'))],
    ['a file is missing', () => rm(join(root, 'dist/lambda/authorizer.mjs'))],
    ['a file was changed', () => write('dist/lambda/billing-sync.mjs', 'export const handler = evil;')],
  ])('are refused where %s', async (_, spoil) => {
    await spoil();
    const error = await refusal(ours.zip('authorizer', null));
    expect([error.code, error.exitCode, error.next]).toEqual(['not_built', 2, 'npm run build']);
  });
});

describe('a project’s own code', () => {
  it('is one file, or a folder whole', async () => {
    const file = await write('own/hello.mjs', "import { x } from '@aws-sdk/client-s3';\nimport 'node:fs';\n");
    expect(names((await ours.zip('service', file)).bytes)).toEqual(['handler.mjs']);
    await write('folder/handler.mjs', "import './lib/a.mjs';");
    await write('folder/lib/a.mjs', '');
    expect(names((await ours.zip('service', join(root, 'folder'))).bytes)).toEqual([
      'handler.mjs',
      'lib/a.mjs',
    ]);
  });

  it.each([
    "import { withTenant } from 'saasctl/runtime';",
    "import {\n  a,\n  b,\n} from 'lodash';",
    "import 'left-pad';",
    "import { a } from './chunk-A1.mjs';",
    "export * from '../lib/a.mjs';",
    'import{a}from"lodash";',
    'const b=1;export{a}from"./a.mjs";',
    'import*as a from"left-pad"',
    'export const handler = async () => import("./late.mjs");',
    '\ufeffimport "left-pad";',
  ])('is refused where it would not find what it imports: %s', async (text) => {
    const error = await refusal(ours.zip('service', await write('own/hello.mjs', text)));
    expect([error.code, error.exitCode]).toEqual(['not_bundled', 2]);
    expect(error.next).toContain('npx esbuild');
  });

  it('may hold the words of an import that is none', async () => {
    const text =
      "export const help = `\nimport x from 'y';\n`; // import 'z'\nexport const load = (name) => import(name);";
    const { bytes } = await ours.zip('service', await write('own/hello.mjs', text));
    expect(names(bytes)).toEqual(['handler.mjs']);
  });

  it('is refused where it breaks off', async () => {
    const error = await refusal(
      ours.zip('service', await write('own/hello.mjs', 'export const handler = () => {')),
    );
    expect([error.code, error.exitCode]).toEqual(['no_module', 2]);
    expect(error.next).toContain('npx esbuild');
  });

  it('is refused where there is no handler, or no file', async () => {
    await write('folder/index.mjs', '');
    expect((await refusal(ours.zip('service', join(root, 'folder')))).code).toBe('no_handler');
    expect((await refusal(ours.zip('service', join(root, 'nowhere.mjs')))).code).toBe('code_unreadable');
    expect((await refusal(ours.template('service', join(root, 'nowhere.yaml')))).code).toBe(
      'template_unreadable',
    );
  });
});
