import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { createDeps } from '../../src/deps.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { openProject, ROOT } from '../fixtures/cli.ts';

it.each(['before', 'during'] as const)('an interrupt %s the commit', async (when) => {
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
  } else {
    // The secret is staged, and the change about to be sent.
    deps.secretFile = (path) => {
      const file = secretFile(path);
      return { ...file, stage: (secret) => file.stage(secret).then(() => stop.abort()) };
    };
  }
  const argv = ['key', 'create', '--tenant', 'acme', '--name', 'ci', '--secret-file', 'ci.key', '-o', 'json'];
  const code = await run(argv, deps);
  const keys = (await project.cli('key list --tenant acme -o json')).json().items;
  const secret = await readFile(join(project.dir, 'ci.key'), 'utf8').catch(() => null);
  // Nothing done, or done and said: never half.
  if (when === 'before') expect([code, keys, secret]).toEqual([130, [], null]);
  else expect([code, keys.length, secret?.startsWith('anb_live_')]).toEqual([0, 1, true]);
  await project.close();
});
