// Builds dist/: the CLI as one file with its code cache, the customer's runtime, and each Lambda as one file.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
/** What deploy speaks to AWS by: one file, of what the adapters take from these packages. */
const CLOUD = /^(@aws-sdk\/client-(cloudformation|s3|lambda)|fflate)$/;
const cloud = [...takenFrom(CLOUD)].map(
  ([name, taken]) => `export { ${[...taken].join(', ')} } from '${name}';`,
);
const separate = {
  name: 'separate',
  setup(builder) {
    builder.onResolve({ filter: /^\.\// }, ({ path, kind, resolveDir }) => {
      const file = relative(root, join(resolveDir, path));
      if (kind !== 'dynamic-import' || !SEPARATE.includes(file)) return undefined;
      return { path: `./separate/${basename(file, '.ts')}.cjs`, external: true };
    });
    builder.onResolve({ filter: /^stripe$/ }, () => ({ path: './separate/stripe.cjs', external: true }));
    builder.onResolve({ filter: CLOUD }, () => ({ path: './separate/cloud.cjs', external: true }));
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
  build({
    ...common,
    stdin: { contents: cloud.join('\n'), resolveDir: root },
    outfile: 'dist/separate/cloud.cjs',
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
  // The example that deploys where a project has no handler of its own: Lambda has the SDK.
  build({
    ...common,
    entryPoints: { 'lambda/service/handler': 'templates/service/handler.mjs' },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    alias: { 'saasctl/runtime': './src/runtime/index.ts' },
    external: ['@aws-sdk/*'],
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

writeManifest();
execFileSync(process.execPath, ['.ci/warm.mjs'], { stdio: 'inherit' });

const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'src/runtime/tsconfig.json'], { stdio: 'inherit' });

/** Package → what the adapters import of it by name, types apart. */
function takenFrom(packages) {
  const found = new Map();
  for (const file of readdirSync('src/adapters', { recursive: true }).filter((name) =>
    name.endsWith('.ts'),
  )) {
    const text = readFileSync(join('src/adapters', file), 'utf8');
    for (const [, type, names, name] of text.matchAll(/^import( type)? \{([^}]*)\} from '([^']+)'/gm)) {
      if (type !== undefined || !packages.test(name)) continue;
      const taken = found.get(name) ?? new Set();
      for (const one of names.split(',').map((word) => word.trim()))
        if (one !== '' && !one.startsWith('type ')) taken.add(one.split(' as ')[0]);
      found.set(name, taken);
    }
  }
  return found;
}

/** What `deploy` holds the bundles against, so that it never ships half a build or another version's. */
function writeManifest() {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const files = readdirSync('dist/lambda', { recursive: true })
    .filter((name) => name.endsWith('.mjs'))
    .sort()
    .map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join('dist/lambda', name)))
        .digest('hex'),
    ]);
  writeFileSync(
    'dist/build.json',
    `${JSON.stringify({ version, files: Object.fromEntries(files) }, null, 2)}\n`,
  );
}
