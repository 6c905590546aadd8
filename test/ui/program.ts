import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

const made: string[] = [];
afterAll(() => {
  for (const dir of made) rmSync(dir, { recursive: true });
});

/** A program over our modules, built as the tool is: split, minified, for a process of its own. Returns its path. */
export async function program(contents: string): Promise<string> {
  const outdir = mkdtempSync(join(tmpdir(), 'saasctl-ui-'));
  made.push(outdir);
  await build({
    stdin: { contents, resolveDir: here, loader: 'ts', sourcefile: 'main.ts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    entryNames: 'main',
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'node',
    target: 'node20.17',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return join(outdir, 'main.mjs');
}
