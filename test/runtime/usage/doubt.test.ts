// A lost answer stays a doubt until an answer proves what became of it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fault, faultyWire, NOW, openUsageWorld, type UsageWorld } from './world.ts';

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
beforeEach(() => {
  world.clock.now = NOW;
  world.log.length = 0;
});
afterAll(() => world.close());

const TODAY = '2026-11-22';
const faults = (...list: Fault[]) => faultyWire(world.wire, () => list.shift());
const tenant = (tenantId: string, maxUsers: number | null = null) => ({
  tenantId,
  limits: { storageBytes: null, maxUsers },
});
const AMBIGUOUS = { code: 'usage_ambiguous', retryable: true };

const later: [string, Fault[]][] = [
  ['throttled to the end', Array<Fault>(6).fill('throttled')],
  ['in conflict to the end', Array<Fault>(6).fill('conflict')],
  ['not connected to the end', Array<Fault>(3).fill('unreachable')],
  ['refused with a 4xx', ['denied']],
];

describe.each(['lost', 'dropped'] as const)('an answer that was %s, and then', (first) => {
  it.each(later)('%s: a recording under an id is in doubt, and may be recorded again', async (what, rest) => {
    const tenantId = `${first}-${what.replaceAll(/[^a-z]/g, '-')}`;
    const { recordUsage } = world.usage({ wire: faults(first, ...rest) });
    const record = () => recordUsage(tenantId, 'exports', 3, { id: 'a' });
    await expect(record()).rejects.toMatchObject(AMBIGUOUS);
    expect(world.log).toMatchObject([{ event: 'usage_ambiguous', tenantId }]);
    expect(await record()).toMatchObject({ recorded: first === 'dropped' });
    expect(await world.amount(tenantId, TODAY, 'exports')).toBe(3);
  });

  it.each(later)('%s: a claim under an id is in doubt, and may be made again', async (what, rest) => {
    const tenantId = `${first}-${what.replaceAll(/[^a-z]/g, '-')}-claim`;
    await world.usage().claim(tenant(tenantId), 'users', 1);
    const { claim } = world.usage({ wire: faults(first, ...rest) });
    const ask = () => claim(tenant(tenantId), 'users', 2, { id: 'a' });
    await expect(ask()).rejects.toMatchObject(AMBIGUOUS);
    expect(await ask()).toEqual({ granted: true, duplicate: first === 'lost' });
    expect((await world.items(tenantId)).get('GAUGE#users')?.['level']).toBe(3);
  });
});

it('a counter that is full meanwhile does not say that the lost try counted nothing', async () => {
  const most = Number.MAX_SAFE_INTEGER;
  await world.usage().recordUsage('full', 'exports', most);
  const { recordUsage } = world.usage({ wire: faults('dropped') });
  const record = () => recordUsage('full', 'exports', 1, { id: 'a' });
  await expect(record()).rejects.toMatchObject(AMBIGUOUS);
  await expect(record()).rejects.toMatchObject({ code: 'counter_full' });
});

it('a claim keeps its doubt through a wrong guess and a limit', async () => {
  // The first try of a new gauge guesses wrong, so each list begins with one for it.
  const guessed = world.usage({ wire: faults('dropped', 'ok', 'denied') });
  await expect(guessed.claim(tenant('guess'), 'users', 1, { id: 'a' })).rejects.toMatchObject(AMBIGUOUS);
  await world.usage().claim(tenant('limit', 1), 'users', 1);
  const { claim } = world.usage({ wire: faults('dropped') });
  const ask = () => claim(tenant('limit', 1), 'users', 1, { id: 'a' });
  await expect(ask()).rejects.toMatchObject(AMBIGUOUS);
  expect(await ask()).toMatchObject({ granted: false });
});

describe('an incident', () => {
  it('is logged once, however many clear answers come between its doubts', async () => {
    const list: Fault[] = [];
    const { recordUsage } = world.usage({ wire: faultyWire(world.wire, () => list.shift()) });
    for (let calls = 0; calls < 100; calls++) {
      list.push(calls % 10 === 0 ? 'dropped' : 'ok');
      await recordUsage('partly', 'exports', 1);
      world.clock.now += 500;
    }
    expect(world.log.map(({ event }) => event)).toEqual(['usage_ambiguous']);
    world.clock.now += 10_000;
    await recordUsage('partly', 'exports', 1);
    expect(world.log.slice(1)).toEqual([{ level: 'warn', event: 'usage_ambiguous_over', calls: 10 }]);
  });

  it('that nobody saw end is over when the next begins, also after the clock was set back', async () => {
    const { recordUsage } = world.usage({ wire: faultyWire(world.wire, () => 'dropped') });
    const record = () => recordUsage('next', 'exports', 1);
    await record();
    world.clock.now += 10_000;
    await record();
    world.clock.now -= 3_600_000;
    await record();
    world.clock.now += 10_000;
    await record();
    expect(world.log.map(({ event, calls }) => [event, calls])).toEqual([
      ['usage_ambiguous', undefined],
      ['usage_ambiguous_over', 1],
      ['usage_ambiguous', undefined],
      ['usage_ambiguous_over', 2],
      ['usage_ambiguous', undefined],
    ]);
  });
});
