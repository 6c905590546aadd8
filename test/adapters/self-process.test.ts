import { getEventListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runSelf } from '../../src/adapters/self-process.ts';
import { testIo } from '../../src/ui/test-io.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'saasctl-self-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A program in place of the tool, run under `stop`. */
async function start(program: string, stop: AbortController, output: (text: string) => void = () => {}) {
  const bin = join(dir, 'program.mjs');
  await writeFile(bin, program);
  return runSelf({ io: testIo(), cwd: dir, signal: stop.signal }, bin, [], output);
}

const listening = ({ signal }: AbortController) => getEventListeners(signal, 'abort').length;

it('leaves nothing listening once it has ended, however often it is run', async () => {
  const stop = new AbortController();
  for (const code of [0, 3]) {
    const one = await start(`process.exit(${code})`, stop);
    expect(listening(stop)).toBe(1);
    expect(await one.exit).toBe(code);
    expect(listening(stop)).toBe(0);
  }
});

it('ends with this process', async () => {
  const stop = new AbortController();
  let isUp = () => {};
  const up = new Promise<void>((resolve) => {
    isUp = resolve;
  });
  const one = await start('console.log("up"); setInterval(() => {}, 1000)', stop, () => isUp());
  await up;
  stop.abort();
  expect(await one.exit).toBe(130);
});
