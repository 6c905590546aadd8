#!/usr/bin/env node
// Starts fast and does nothing else: what the tool is, is in src/cli.ts and src/deps.ts.
// CommonJS (bin/package.json says so), since loading an ES module costs more than printing a version.
const { existsSync, readFileSync, writeSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const argv = process.argv.slice(2);
const only = argv.length === 1 ? argv[0] : undefined;
const help = join(root, 'dist', 'help.txt');

if (only === '--version') print(`${version}\n`);
// The same text that the program prints, written down by the build; a terminal of another width gets its own.
else if (only === '--help' && !process.stdout.isTTY && existsSync(help)) print(readFileSync(help, 'utf8'));
else start();

function print(text) {
  try {
    writeSync(1, text);
  } catch (error) {
    if (error.code !== 'EPIPE') throw error;
  }
}

async function start() {
  const bundle = join(root, 'dist', 'saasctl.cjs');
  if (!existsSync(bundle)) {
    process.stderr.write('error: saasctl is not built\n  next: npm run build\n');
    process.exitCode = 2;
    return;
  }
  const { run, createDeps, processWorld } = require('./bundle.js').load(bundle);
  process.exitCode = await run(argv, createDeps(processWorld(process), root, version));
  // Interrupted, it does not wait for what was under way.
  if (process.exitCode === 130) process.exit();
}
