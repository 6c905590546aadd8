#!/usr/bin/env node
// Starts fast and does nothing else: what the tool is, is in src/cli.ts and src/deps.ts.
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const argv = process.argv.slice(2);

if (argv.length === 1 && argv[0] === '--version') {
  process.stdout.write(`${version}\n`);
} else if (!existsSync(`${root}dist/cli.js`)) {
  process.stderr.write('error: saasctl is not built\n  next: npm run build\n');
  process.exitCode = 1;
} else {
  module.enableCompileCache?.();
  const [{ run }, { createDeps, processWorld }] = await Promise.all([
    import('../dist/cli.js'),
    import('../dist/deps.js'),
  ]);
  process.exitCode = await run(argv, createDeps(processWorld(process), root, version));
}
