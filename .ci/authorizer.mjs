// The authorizer's bundle, apart from the rest of the build so that its size can be tested as it is shipped.
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Loaded by few sandboxes, and each a bundle of its own: shared chunks would be files that every cold start opens. */
const APART = ['src/runtime/leases.ts', 'src/runtime/usage/folder.ts'];
const nameOf = (file) => `authorizer-${basename(file, '.ts')}`;
const apart = {
  name: 'apart',
  setup(builder) {
    builder.onResolve({ filter: /\/(leases|folder)\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path: `./${nameOf(path)}.mjs`, external: true } : undefined,
    );
  },
};

/** Bundles it into `outdir`; returns what each file is made of, by the file's name. `root`: of the sources. */
export async function buildAuthorizer(outdir, root = ROOT) {
  const shape = {
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20.17',
    format: 'esm',
    mainFields: ['module', 'main'],
    metafile: true,
  };
  const separate = Object.fromEntries(APART.map((file) => [nameOf(file), join(root, file)]));
  const built = await Promise.all([
    // Splitting leaves the tokens' verification a chunk of its own.
    build({
      ...shape,
      entryPoints: { authorizer: join(root, 'src/lambda/authorizer.ts') },
      chunkNames: 'authorizer-[name]-[hash]',
      splitting: true,
      plugins: [apart],
    }),
    build({ ...shape, entryPoints: separate }),
  ]);
  const outputs = built.flatMap(({ metafile }) => Object.entries(metafile.outputs));
  return Object.fromEntries(outputs.map(([file, output]) => [basename(file), output]));
}
