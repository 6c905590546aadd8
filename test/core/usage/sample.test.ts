import { describe, expect, it } from 'vitest';
import { type Gauge, hourOf } from '../../../src/core/usage/gauge.ts';
import { samplePlan } from '../../../src/core/usage/sample.ts';
import type { UsageItem } from '../../../src/core/usage/usage.ts';
import { pick, randomFrom } from '../../runtime/usage/world.ts';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(`2026-11-${text}Z`);
const gauge = (more: Partial<Gauge> = {}): Gauge => ({
  metric: 'storage_bytes',
  level: 100,
  day: '2026-11-22',
  below: 0,
  previous: null,
  since: hourOf(at('22T09:30:00')),
  ...more,
});

/** The plan's writes, applied where their conditions hold: what DynamoDB keeps. */
function apply(items: Map<string, UsageItem>, writes: ReturnType<typeof samplePlan>): void {
  for (const one of writes) {
    if (!('update' in one)) throw new Error('samples are updates');
    const day = String(one.update.Key['SK']).split('#')[1] as string;
    const values = one.update.ExpressionAttributeValues as Record<string, number>;
    const old = items.get(day);
    const stands = ':from' in values ? old?.through === values[':from'] : old?.through === undefined;
    if (!stands || (old?.max ?? 0) > (values[':max'] as number)) continue;
    items.set(day, {
      day,
      metric: 'storage_bytes',
      amount: (old?.amount ?? 0) + (values[':add'] as number),
      max: values[':max'] as number,
      through: values[':to'] as number,
    });
  }
}

function sampled(...samples: [string, Gauge][]): Map<string, UsageItem> {
  const items = new Map<string, UsageItem>();
  for (const [time, one] of samples) apply(items, samplePlan('acme', one, [...items.values()], at(time)));
  return items;
}

describe('a gauge sampled hour by hour', () => {
  it('counts each hour once, with the level in it, from the hour it began', () => {
    const items = sampled(
      ['22T09:40:00', gauge({ level: 100 })],
      ['22T09:59:00', gauge({ level: 100 })],
      ['22T10:01:00', gauge({ level: 300 })],
      ['22T11:01:00', gauge({ level: 50, below: 250 })],
    );
    expect(items.get('2026-11-22')).toMatchObject({ amount: 450, max: 300, through: 12 });
  });

  it('makes up missed hours with the level held, over days, at most seven', () => {
    const items = sampled(['22T09:40:00', gauge()], ['24T01:10:00', gauge()]);
    expect([...items.values()]).toMatchObject([
      { day: '2026-11-22', amount: 1500, through: 24 },
      { day: '2026-11-23', amount: 2400, through: 24 },
      { day: '2026-11-24', amount: 200, through: 2 },
    ]);
    const late = sampled(['30T00:00:00', gauge({ since: hourOf(at('01T00:00:00')) })]);
    expect([...late.keys()][0]).toBe('2026-11-23');
    expect(late.size).toBe(8);
  });

  it('has the exact maximum of a day, also when it was reached after the day’s last sample', () => {
    const peaked = gauge({ level: 10, day: '2026-11-22', below: 490 });
    expect(sampled(['22T23:10:00', gauge()], ['23T00:10:00', peaked]).get('2026-11-22')).toMatchObject({
      amount: 1500,
      max: 500,
    });
    const moved = gauge({
      level: 20,
      day: '2026-11-23',
      below: 0,
      previous: { day: '2026-11-22', high: 700 },
    });
    expect(sampled(['22T23:10:00', gauge()], ['23T00:10:00', moved]).get('2026-11-22')?.max).toBe(700);
  });

  it('has nothing to write twice in an hour, and counts an hour at level zero', () => {
    const items = sampled(['22T09:40:00', gauge({ level: 0 })]);
    expect(items.get('2026-11-22')).toMatchObject({ amount: 0, through: 10 });
    expect(samplePlan('acme', gauge({ level: 0 }), [...items.values()], at('22T09:50:00'))).toEqual([]);
  });
});

describe('samplers beside each other, late, repeated and on stale reads', () => {
  type Plan = typeof samplePlan;

  /** Whether every hour was counted exactly once, with a level that the gauge had since the last sample of it. */
  function exact(seed: number, plan: Plan): boolean {
    const random = randomFrom(seed);
    const items = new Map<string, UsageItem>();
    const start = at('22T00:00:00');
    const one = gauge({ level: 7, since: hourOf(start) });
    let stale: UsageItem[] = [];
    for (let hour = 0; hour < 60; hour++) {
      const now = start + hour * HOUR + Math.floor(random() * HOUR);
      if (random() < 0.5) stale = [...items.values()];
      for (let runs = Math.floor(random() * 3); runs > 0; runs--) {
        apply(items, plan('acme', one, pick(random, [stale, [...items.values()]]), now));
      }
    }
    apply(items, plan('acme', one, [...items.values()], start + 60 * HOUR));
    const amounts = [...items.values()].reduce((sum, { amount }) => sum + amount, 0);
    return amounts === 7 * 61;
  }
  /** Adds the running hour's level each time it runs. */
  const unguarded: Plan = (tenantId, one, counted, now) =>
    samplePlan(tenantId, one, counted, now).map((write) => {
      if (!('update' in write)) return write;
      const { ':from': _, ...values } = write.update.ExpressionAttributeValues ?? {};
      const from = [...counted].find(({ day }) => String(write.update.Key['SK']).includes(day))?.through;
      return {
        ...write,
        update: {
          ...write.update,
          ExpressionAttributeValues: from === undefined ? values : { ...values, ':from': Number.NaN },
        },
      };
    });

  const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

  it('count every hour exactly once', () => {
    expect(SEEDS.filter((seed) => exact(seed, samplePlan))).toHaveLength(SEEDS.length);
  });

  it('and without the condition on the hour that was reached they do not', () => {
    expect(SEEDS.filter((seed) => exact(seed, unguarded)).length).toBeLessThan(SEEDS.length);
  });
});
