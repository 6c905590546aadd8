import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gaugeOf } from '../../../src/core/usage/gauge.ts';
import { gaugeKey } from '../../../src/core/usage/layout.ts';
import type { createUsage } from '../../../src/runtime/usage/client.ts';
import { write } from '../../../src/runtime/usage/writes.ts';
import { STACK } from '../../fixtures/gate.ts';
import { type Fault, faultyWire, NOW, openUsageWorld, pick, randomFrom, type UsageWorld } from './world.ts';

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
beforeEach(() => {
  world.clock.now = NOW;
});
afterAll(() => world.close());

const DAY = 86_400_000;
const tenant = (tenantId: string, maxUsers: number | null = 5) => ({
  tenantId,
  limits: { storageBytes: 1_000_000, maxUsers },
});
const gauge = async (tenantId: string, metric = 'users') => {
  const item = (await world.items(tenantId)).get(`GAUGE#${metric}`);
  if (item === undefined) throw new Error(`no gauge ${metric}`);
  return gaugeOf(item);
};
const faults = (...list: Fault[]) => faultyWire(world.wire, () => list.shift());

describe('claim', () => {
  it('raises a level up to its limit, and names the limit that refuses', async () => {
    const { claim } = world.usage();
    expect(await claim(tenant('acme'), 'users', 3)).toEqual({ granted: true, duplicate: false });
    expect(await claim(tenant('acme'), 'users', 2)).toMatchObject({ granted: true });
    expect(await claim(tenant('acme'), 'users', 1)).toEqual({
      granted: false,
      limitName: 'maxUsers',
      limit: 5,
      level: 5,
    });
    expect(await claim(tenant('empty'), 'users', 6)).toMatchObject({ granted: false, level: 0 });
    expect(await claim(tenant('acme', null), 'users', 1000)).toMatchObject({ granted: true });
    expect((await gauge('acme')).level).toBe(1005);
  });

  it('holds storage under storageBytes and a gauge of one’s own under the limit given, if any', async () => {
    const { claim } = world.usage();
    expect(await claim(tenant('own'), 'storage_bytes', 1_000_001)).toMatchObject({
      limitName: 'storageBytes',
    });
    expect(await claim(tenant('own'), 'seats', 8)).toMatchObject({ granted: true });
    expect(await claim(tenant('own'), 'seats', 3, { limit: 10 })).toEqual({
      granted: false,
      limitName: null,
      limit: 10,
      level: 8,
    });
  });

  it('among many at once lets exactly the limit through', async () => {
    const { claim } = world.usage();
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => claim(tenant('crowd', 7), 'users', 1)),
    );
    expect(answers.filter(({ granted }) => granted)).toHaveLength(7);
    expect((await gauge('crowd')).level).toBe(7);
  });

  it('is one write while a level grows', async () => {
    const wire = faults();
    const { claim } = world.usage({ wire });
    await claim(tenant('cheap'), 'users', 1);
    wire.sent.length = 0;
    for (let users = 0; users < 4; users++) await claim(tenant('cheap'), 'users', 1);
    expect(wire.sent).toEqual(Array.from({ length: 4 }, () => 'UpdateItem'));
  });

  it('with an id claims once, also when answers are lost; in doubt without one it throws', async () => {
    const { claim } = world.usage({ wire: faults('ok', 'lost', 'ok') });
    // The first try finds no gauge; the second makes it, and its answer is lost.
    expect(await claim(tenant('id'), 'users', 2, { id: 'u-1' })).toEqual({ granted: true, duplicate: false });
    expect(await claim(tenant('id'), 'users', 2, { id: 'u-1' })).toEqual({ granted: true, duplicate: true });
    expect((await gauge('id')).level).toBe(2);
    const doubtful = world.usage({ wire: faults('lost') });
    await expect(doubtful.claim(tenant('id'), 'users', 1)).rejects.toMatchObject({ code: 'usage_ambiguous' });
    expect((await gauge('id')).level).toBe(3);
  });

  it('refused under an id may be asked again under it', async () => {
    const { claim, release } = world.usage();
    await claim(tenant('again', 1), 'users', 1);
    expect(await claim(tenant('again', 1), 'users', 1, { id: 'x' })).toMatchObject({ granted: false });
    await release(tenant('again'), 'users', 1);
    expect(await claim(tenant('again', 1), 'users', 1, { id: 'x' })).toEqual({
      granted: true,
      duplicate: false,
    });
  });

  it.each([
    ['exports', 1, 'metric_is_counter'],
    ['nothing', 1, 'unknown_metric'],
    ['users', 0, 'bad_amount'],
    ['users', -1, 'bad_amount'],
    ['users', 0.5, 'bad_amount'],
  ])('refuses %s %s: %s', async (metric, amount, code) => {
    await expect(world.usage().claim(tenant('wrong'), metric, amount)).rejects.toMatchObject({ code });
  });
});

describe('release', () => {
  it('lowers a level, never below zero', async () => {
    const { claim, release } = world.usage();
    await claim(tenant('down'), 'users', 3);
    expect(await release(tenant('down'), 'users', 2)).toEqual({ released: true, duplicate: false });
    await expect(release(tenant('down'), 'users', 2)).rejects.toMatchObject({
      code: 'release_below_zero',
      message: 'users: 2 cannot be released, 1 is held',
    });
    await expect(release(tenant('never'), 'users', 1)).rejects.toMatchObject({ code: 'release_below_zero' });
    expect(await release(tenant('down'), 'users', 1, { id: 'r' })).toMatchObject({ duplicate: false });
    expect(await release(tenant('down'), 'users', 1, { id: 'r' })).toMatchObject({ duplicate: true });
    expect((await gauge('down')).level).toBe(0);
  });
});

describe('the highest level of a day', () => {
  it('is kept through releases, and over midnight for the day before', async () => {
    const { claim, release } = world.usage();
    await claim(tenant('high', 100), 'users', 10);
    await release(tenant('high'), 'users', 6);
    await claim(tenant('high', 100), 'users', 5);
    expect(await gauge('high')).toMatchObject({ level: 9, day: '2026-11-22', below: 1, previous: null });
    world.clock.now += DAY;
    await release(tenant('high'), 'users', 4);
    expect(await gauge('high')).toMatchObject({
      level: 5,
      day: '2026-11-23',
      below: 4,
      previous: { day: '2026-11-22', high: 10 },
    });
    world.clock.now += 3 * DAY;
    await claim(tenant('high', 100), 'users', 1);
    expect(await gauge('high')).toMatchObject({
      level: 6,
      below: 0,
      previous: { day: '2026-11-23', high: 9 },
    });
  });
});

/** Random claims and releases over days and faults, against a model that knows what was really applied. */
describe('under faults', () => {
  const FAULTS: Fault[] = ['ok', 'ok', 'ok', 'lost', 'dropped', 'throttled', 'conflict', 'unreachable'];
  type Usage = ReturnType<typeof createUsage>;

  /** Each change repeated under its id until it is known. Whether level and limit are as the model has them. */
  async function holds(
    seed: number,
    usageOver: (options: { wire: UsageWorld['wire']; now: () => number }) => Usage,
  ) {
    const random = randomFrom(seed);
    const tenantId = `model-${seed}-${usageOver.name.toLowerCase()}`;
    const clock = { now: NOW };
    const usage = usageOver({
      wire: faultyWire(world.wire, () => pick(random, FAULTS)),
      now: () => clock.now,
    });
    const highs = new Map<string, number>();
    let level = 0;
    for (let step = 0; step < 14; step++) {
      if (random() < 0.15) clock.now += DAY;
      const day = new Date(clock.now).toISOString().slice(0, 10);
      const n = 1 + Math.floor(random() * 4);
      const up = random() < 0.6;
      const id = `step-${step}`;
      highs.set(day, Math.max(highs.get(day) ?? 0, level));
      for (let tries = 0; tries < 200; tries++) {
        try {
          if (up) {
            const { granted } = await usage.claim(tenant(tenantId, 10), 'users', n, { id });
            if (granted !== level + n <= 10) return false;
            if (granted) level += n;
          } else {
            await usage.release(tenant(tenantId), 'users', n, { id });
            if (level < n) return false;
            level -= n;
          }
          break;
        } catch (error) {
          const { code } = error as { code: string };
          if (code === 'release_below_zero') {
            if (level >= n) return false;
            break;
          }
        }
      }
      highs.set(day, Math.max(highs.get(day) ?? 0, level));
    }
    const item = (await world.items(tenantId)).get('GAUGE#users');
    if (item === undefined) return level === 0;
    const kept = gaugeOf(item);
    const high = (day: string) => highs.get(day);
    return (
      kept.level === level &&
      kept.level + kept.below === high(kept.day) &&
      (kept.previous === null || kept.previous.high === high(kept.previous.day))
    );
  }

  const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
  const right = async (usageOver: Parameters<typeof holds>[1]) =>
    (await Promise.all(SEEDS.map((seed) => holds(seed, usageOver)))).filter(Boolean).length;

  it('level, limit and highs are exactly those of the model', async () => {
    expect(await right((options) => world.usage(options))).toBe(SEEDS.length);
  });

  it('and a claim that reads, compares and then writes is caught', async () => {
    const careless = (options: { wire: UsageWorld['wire']; now: () => number }): Usage => ({
      ...world.usage(options),
      async claim({ tenantId, limits }, metric, amount) {
        const level = Number((await world.items(tenantId)).get(`GAUGE#${metric}`)?.['level'] ?? 0);
        const limit = limits.maxUsers ?? 0;
        if (level + amount > limit) return { granted: false, limitName: 'maxUsers', limit, level };
        const update = {
          Key: gaugeKey(tenantId, metric),
          UpdateExpression: 'SET #level = :level, #day = :day, #below = :zero, #since = :zero',
          ExpressionAttributeNames: {
            '#level': 'level',
            '#day': 'day',
            '#below': 'below',
            '#since': 'since',
          },
          ExpressionAttributeValues: {
            ':level': level + amount,
            ':day': new Date(options.now()).toISOString().slice(0, 10),
            ':zero': 0,
          },
        };
        const budget = { ambiguous: 5, contended: 5, unreachable: 5 };
        await write(options.wire, STACK, [{ table: 'usageMeters', update }], budget, async () => {});
        return { granted: true, duplicate: false };
      },
    });
    expect(await right(careless)).toBeLessThan(SEEDS.length);
  });
});
