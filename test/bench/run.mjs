// Bundles the benchmarks, since Node 20 runs no TypeScript, and runs them on the built tool.
import { rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Below node_modules, so that the packages it imports are found.
const outdir = `${root}node_modules/.cache/saasctl-bench-${process.pid}`;
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
try {
  await build({
    entryPoints: [`${root}test/bench/run.ts`],
    outfile: `${outdir}/run.mjs`,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20.17',
    format: 'esm',
    logLevel: 'warning',
  });
  const { run } = await import(pathToFileURL(`${outdir}/run.mjs`).href);
  await run(root);
} finally {
  await rm(outdir, { recursive: true, force: true });
}
