// All attacks where the gate is in the handler itself, and 1,000 parallel calls over HTTP in both modes.
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type DevWorld, openDevWorld } from './dev.ts';
import { needing } from './list/all.ts';
import { inOneProcess, interleaved } from './list/interleaved.ts';
import { type Target, withstand } from './target.ts';

let world: DevWorld;
beforeAll(async () => {
  world = await openDevWorld();
});
afterAll(() => world?.close());

describe.each([
  { mode: 'authorizer', attacks: [] },
  { mode: 'inline', attacks: needing('tokens', 'local') },
] as const)('saasctl dev, $mode, withstands', ({ mode, attacks }) => {
  let target: Awaited<ReturnType<DevWorld['dev']>>;
  beforeAll(async () => {
    target = await world.dev(mode);
  });
  afterAll(() => target?.close());

  it.each([...attacks, interleaved(1_000)])('$name', (attack) => withstand(target, attack));
});

it('one process withstands 1,000 parallel calls of five tenants', async () => {
  const { authorizer } = await world.shipped();
  const functions = await world.imported(authorizer, await world.bundled('victim'));
  const target: Target = { ...world.common, mode: 'authorizer', url: '' };
  await withstand(target, inOneProcess(1_000, ...functions));
});
