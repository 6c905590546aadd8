import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findEngine } from '../../src/local/find-engine.ts';
import { bundle } from './fixtures/bundles.ts';
import { eventually, processesMentioning } from './fixtures/processes.ts';

const binary = findEngine({ env: process.env, platform: process.platform, arch: process.arch });
const ROUNDS = 150;
let dir: string;
let program: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-kills-'));
  program = await bundle(dir, 'test/local/fixtures/parent.ts');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it(`a process killed at any moment of an engine's start leaves nothing behind (${ROUNDS} rounds)`, async () => {
  let caughtStarting = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const storeDir = mkdtempSync(join(dir, 'store-'));
    const parent = spawn(process.execPath, [program, binary, storeDir], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exited = once(parent, 'exit');
    let ready = false;
    parent.stdout.once('data', () => {
      ready = true;
    });
    // Killed a little later each round, counted from the moment that the first of its children is there.
    await eventually('a child', () => processesMentioning(storeDir).length > 1);
    await new Promise((resolve) => setTimeout(resolve, round % 30));
    if (!ready) caughtStarting++;
    parent.kill('SIGKILL');
    await exited;
    await eventually('no process left', () => processesMentioning(storeDir).length === 0);
  }
  expect(caughtStarting).toBeGreaterThan(0);
});
