import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
/** An engine that never gets so far as to answer. */
let unready: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-kills-'));
  program = await bundle(dir, 'test/local/fixtures/parent.ts');
  unready = join(dir, 'unready');
  writeFileSync(unready, '#!/bin/sh\nwhile :; do sleep 0.05; done\n');
  chmodSync(unready, 0o755);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it(`a process killed at any moment of an engine's start leaves nothing behind (${ROUNDS} rounds)`, async () => {
  let caughtStarting = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const storeDir = mkdtempSync(join(dir, 'store-'));
    // However quick the engine is, some are caught starting.
    const engine = round % 5 === 4 ? unready : binary;
    const parent = spawn(process.execPath, [program, engine, storeDir], {
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
  expect(caughtStarting).toBeGreaterThanOrEqual(ROUNDS / 5);
});
