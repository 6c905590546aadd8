// Builds dist/: the CLI as one file with its code cache, the customer's runtime, and each Lambda as one file.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildAuthorizer } from './authorizer.mjs';

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

/** Large packages that few commands need: files of their own, loaded when they are. They import nothing of ours. */
const SEPARATE = ['src/ui/inquirer.ts', 'src/ui/jmespath.ts'];
const separate = {
  name: 'separate',
  setup(builder) {
    builder.onResolve({ filter: /^\.\// }, ({ path, kind, resolveDir }) => {
      const file = relative(root, join(resolveDir, path));
      if (kind !== 'dynamic-import' || !SEPARATE.includes(file)) return undefined;
      return { path: `./separate/${basename(file, '.ts')}.cjs`, external: true };
    });
    builder.onResolve({ filter: /^stripe$/ }, () => ({ path: './separate/stripe.cjs', external: true }));
  },
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    stdin: {
      contents: `export { program, run } from './src/cli.ts';
        export { createDeps, processWorld } from './src/deps.ts';`,
      resolveDir: root,
    },
    outfile: 'dist/saasctl.cjs',
    // One CommonJS file: V8's code cache works on it (bin/bundle.js). ASCII, so that it can be read as Latin-1.
    format: 'cjs',
    charset: 'ascii',
    // A script from a code cache cannot import(): require() does instead.
    supported: { 'dynamic-import': false },
    minify: true,
    define: { 'import.meta.url': '__bundleUrl' },
    banner: {
      js: "(function(exports,require,module,__filename,__dirname){const __bundleUrl=require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
    plugins: [separate],
  }),
  build({
    ...common,
    entryPoints: SEPARATE,
    outdir: 'dist/separate',
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    minify: true,
  }),
  build({
    ...common,
    stdin: { contents: "module.exports = require('stripe');", resolveDir: root },
    outfile: 'dist/separate/stripe.cjs',
    format: 'cjs',
    minify: true,
  }),
  // Bundled once more by the customer: packages stay dependencies, and what few need stays a chunk.
  build({
    ...common,
    entryPoints: { 'runtime/index': 'src/runtime/index.ts' },
    outdir: 'dist',
    splitting: true,
    chunkNames: 'runtime/[name]-[hash]',
    external: ['aws-jwt-verify', '@aws-sdk/credential-provider-node'],
  }),
  buildAuthorizer('dist/lambda'),
  build({
    ...common,
    entryPoints: { 'lambda/billing-sync': 'src/lambda/billing-sync.ts' },
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

execFileSync(process.execPath, ['.ci/warm.mjs'], { stdio: 'inherit' });

const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'src/runtime/tsconfig.json'], { stdio: 'inherit' });
