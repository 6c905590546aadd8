import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEngine } from '../../src/local/find-engine.ts';
import { bundle, fixture, sandboxBundle } from './fixtures/bundles.ts';
import { eventually, processesMentioning } from './fixtures/processes.ts';

const binary = findEngine({ env: process.env, platform: process.platform, arch: process.arch });
let dir: string;
let parentProgram: string;
let sandbox: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-parents-'));
  [parentProgram, sandbox] = await Promise.all([
    bundle(dir, 'test/local/fixtures/parent.ts'),
    sandboxBundle(dir),
  ]);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Starts a process that starts what we watch, and waits until it has. */
async function startParent(
  ...more: string[]
): Promise<{ parent: ChildProcess; pid: number; storeDir: string }> {
  const storeDir = mkdtempSync(join(dir, 'store-'));
  const parent = spawn(process.execPath, [parentProgram, binary, storeDir, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(parent.stdout as NodeJS.ReadableStream), 'line')) as [string];
  return { parent, storeDir, ...(JSON.parse(line) as { pid: number }) };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('when the process that started an engine ends', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL', 'SIGHUP'] as const)(
    'by %s, engine and watchdog end',
    async (signal) => {
      const { parent, pid, storeDir } = await startParent();
      expect(isAlive(pid)).toBe(true);
      // The parent, the shell, its reader and the engine.
      expect(processesMentioning(storeDir)).toHaveLength(4);
      parent.kill(signal);
      await once(parent, 'exit');
      await eventually('engine ended', () => !isAlive(pid));
      await eventually('no process left', () => processesMentioning(storeDir).length === 0);
    },
  );

  it('a function that never yields ends too', async () => {
    const { parent, storeDir } = await startParent(sandbox, fixture('function.mjs'));
    expect(processesMentioning(sandbox).length).toBeGreaterThan(1);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await eventually('no process left', () => processesMentioning(sandbox).length === 0);
    await eventually('no engine left', () => processesMentioning(storeDir).length === 0);
  });
});
