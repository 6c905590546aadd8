import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { createDeps } from '../../src/deps.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { openProject, ROOT } from '../fixtures/cli.ts';

it.each(['before', 'during', 'after'] as const)('an interrupt %s the commit', async (when) => {
  const project = await openProject();
  await project.cli('tenant create acme -q');
  const stop = new AbortController();
  const io = testIo({ env: { AWS_ENDPOINT_URL_DYNAMODB: project.endpoint } });
  const world = { io, cwd: project.dir, home: project.dir, now: Date.now, signal: stop.signal };
  const deps = createDeps(world, ROOT, '0.0.0-test');
  const { openBackend, secretFile } = deps;
  if (when === 'before') {
    deps.openBackend = async (...given) => {
      stop.abort();
      return openBackend(...given);
    };
  } else if (when === 'after') {
    deps.io = { ...io, out: async () => stop.abort() };
  } else {
    // The secret is staged, and the change about to be sent.
    deps.secretFile = (path) => {
      const file = secretFile(path);
      return { ...file, stage: (secret) => file.stage(secret).then(() => stop.abort()) };
    };
  }
  const typed = 'key create --tenant acme --name ci -o json --secret-file';
  const code = await run([...typed.split(' '), "ann's ci.key"], deps);
  const keys = (await project.cli('key list --tenant acme -o json')).json().items;
  const secret = await readFile(join(project.dir, "ann's ci.key"), 'utf8').catch(() => null);
  // Nothing done, or done and said: never half.
  if (when === 'before') expect([code, keys, secret]).toEqual([130, [], null]);
  else
    expect([code, keys.length, secret?.startsWith('anb_live_')]).toEqual([
      when === 'after' ? 130 : 0,
      1,
      true,
    ]);
  // What was not begun can be typed again; a key that is there would be made twice.
  const next = io.stderr() === '' ? null : JSON.parse(io.stderr()).next;
  expect(next).toBe(when === 'before' ? `saasctl ${typed} 'ann'\\''s ci.key'` : null);
  await project.close();
});
