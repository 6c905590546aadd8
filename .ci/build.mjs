// Builds dist/: the CLI split into lazy chunks, the customer's runtime, and each Lambda as one file.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.17',
  format: 'esm',
  // The ESM entry of a package is smaller and tree-shakes: it takes the AWS SDK from 548 to 342 KB.
  mainFields: ['module', 'main'],
  logLevel: 'warning',
};
// CommonJS packages inside an ESM bundle call require() for Node's own modules.
const requireBanner = {
  js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: { cli: 'src/cli.ts', deps: 'src/deps.ts' },
    outdir: 'dist',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    minify: true,
    banner: requireBanner,
  }),
  // Bundled once more by the customer: aws4 stays a dependency, so that it can become CommonJS too.
  build({
    ...common,
    entryPoints: { 'runtime/index': 'src/runtime/index.ts' },
    outdir: 'dist',
    external: ['aws4'],
  }),
  build({
    ...common,
    entryPoints: { 'lambda/authorizer': 'src/lambda/authorizer.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    minify: true,
    banner: requireBanner,
  }),
  build({
    ...common,
    entryPoints: {
      'local/sandbox': 'src/local/sandbox.ts',
      'local/sample-handler': 'src/local/sample-handler.ts',
    },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    banner: requireBanner,
  }),
]);

const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'src/runtime/tsconfig.json'], { stdio: 'inherit' });
