// The attacks through HTTP on `saasctl dev`: the shipped authorizer, and a careless customer's handler.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpApi, startHttpApi } from '../../src/local/http-api.ts';
import { type DevWorld, openDevWorld } from './dev.ts';
import { FLAWS } from './flaws.ts';
import { ATTACKS, needing } from './list/all.ts';
import { inOneProcess, interleaved } from './list/interleaved.ts';
import { keys } from './list/keys.ts';
import { serving } from './list/serving.ts';
import { type Target, withstand } from './target.ts';

let world: DevWorld;
beforeAll(async () => {
  world = await openDevWorld();
});
afterAll(() => world?.close());

it('there are at least 35 attacks, and ten of them are shown to succeed where something is wrong', () => {
  expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
  expect(ATTACKS.length).toBeGreaterThanOrEqual(35);
  expect(new Set(FLAWS.flatMap(({ attacks }) => attacks)).size).toBeGreaterThanOrEqual(10);
});

describe.each([
  { mode: 'authorizer', attacks: needing('tokens', 'local') },
  // Where the gate is in the handler, who calls is found out otherwise; the rest is in dev.full.ts.
  { mode: 'inline', attacks: keys },
] as const)('saasctl dev, $mode, withstands', ({ mode, attacks }) => {
  let target: Awaited<ReturnType<DevWorld['dev']>>;
  beforeAll(async () => {
    target = await world.dev(mode);
  });
  afterAll(() => target?.close());

  it.each([...attacks, interleaved(25)])('$name', (attack) => withstand(target, attack));
});

describe('one process', () => {
  it('withstands parallel calls of five tenants', async () => {
    const { authorizer } = await world.shipped();
    const functions = await world.imported(authorizer, await world.bundled('victim'));
    const target: Target = { ...world.common, mode: 'authorizer', url: '' };
    await withstand(target, inOneProcess(150, ...functions));
  });
});

describe('an API with a mistake in it', () => {
  let api: HttpApi;
  let target: Target;
  let authorizer: string;
  let handler: string;

  beforeAll(async () => {
    const { sandbox } = await world.shipped();
    authorizer = await world.bundled('flawed-authorizer');
    handler = await world.bundled('flawed-handler');
    const env = world.environment('authorizer');
    api = await startHttpApi({
      port: 0,
      sandbox,
      authorizer: { name: 'authorizer', file: authorizer, env },
      tokens: true,
      handler: { name: 'handler', file: handler, env },
      log: () => {},
    });
    target = { ...world.common, mode: 'authorizer', url: api.url };
  });
  afterAll(() => api?.close());

  const cases = FLAWS.flatMap(({ flaw, attacks }) => attacks.map((attack) => ({ flaw, attack })));
  it.each(cases)('$flaw: lets through $attack.name', async ({ flaw, attack }) => {
    const flawed = { ...target, headers: ['x-flaw', flaw] };
    await expect(withstand(flawed, attack)).rejects.toMatchObject({ name: 'AssertionError' });
  });

  it('the caller in a variable of the module: lets through parallel calls in one process', async () => {
    const functions = await world.imported(authorizer, handler);
    const flaw = { 'x-flaw': 'the caller in a variable of the module' };
    await withstand(target, inOneProcess(20, ...functions));
    await expect(withstand(target, inOneProcess(20, ...functions, flaw))).rejects.toMatchObject({
      name: 'AssertionError',
    });
  });
});

describe('functions that serve some of the tenants', () => {
  let apis: Record<'pool' | 'silo:initech', HttpApi>;
  let target: Target;

  beforeAll(async () => {
    const { sandbox, authorizer } = await world.shipped();
    const victim = await world.bundled('victim');
    const start = (serves: string) => {
      const env = world.environment('authorizer');
      return startHttpApi({
        port: 0,
        sandbox,
        // One authorizer for all, as deployed.
        authorizer: { name: 'authorizer', file: authorizer, env },
        tokens: true,
        handler: { name: 'handler', file: victim, env: { ...env, SAASCTL_SERVES: serves } },
        log: () => {},
      });
    };
    apis = { pool: await start('pool'), 'silo:initech': await start('silo:initech') };
    target = {
      ...world.common,
      mode: 'authorizer',
      url: apis.pool.url,
      silo: { url: apis['silo:initech'].url },
    };
  });
  afterAll(() => Promise.all(Object.values(apis ?? {}).map((api) => api.close())));

  it.each(serving)('withstand $name', (attack) => withstand(target, attack));
  it.each(serving)('would not if they served all: $name', async (attack) => {
    const open = { ...target, url: apis['silo:initech'].url, silo: { url: apis.pool.url } };
    await expect(withstand(open, attack)).rejects.toThrow();
  });
});
