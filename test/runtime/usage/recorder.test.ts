import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addWrite, recordWrites } from '../../../src/core/usage/record.ts';
import { write } from '../../../src/runtime/usage/writes.ts';
import { createWire, type Wire } from '../../../src/runtime/wire/client.ts';
import { type Fault as HttpFault, startProxy, type WireProxy } from '../../adapters/proxy.ts';
import { CREDENTIALS, STACK } from '../../fixtures/gate.ts';
import { type Fault, faultyWire, NOW, openUsageWorld, pick, randomFrom, type UsageWorld } from './world.ts';

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

describe('recordUsage without an id', () => {
  it('adds in whole units of the metric’s scale, to the UTC day', async () => {
    const { recordUsage } = world.usage();
    expect(await recordUsage('plain', 'exports', 3)).toEqual({ recorded: true });
    expect(await recordUsage({ tenantId: 'plain' }, 'exports', 2)).toEqual({ recorded: true });
    expect(await recordUsage('plain', 'tokens', 1.5)).toEqual({ recorded: true });
    expect(await recordUsage('plain', 'exports', 4, { day: '2026-10-20' })).toEqual({ recorded: true });
    expect(await world.amount('plain', TODAY, 'exports')).toBe(5);
    expect(await world.amount('plain', TODAY, 'tokens')).toBe(1500);
    expect(await world.amount('plain', '2026-10-20', 'exports')).toBe(4);
  });

  it('is one write, repeated only where it provably was not made', async () => {
    const wire = faults('throttled', 'unreachable', 'conflict', 'ok');
    expect(await world.usage({ wire }).recordUsage('sure', 'exports', 1)).toEqual({ recorded: true });
    expect(wire.sent).toEqual(['UpdateItem', 'UpdateItem', 'UpdateItem', 'UpdateItem']);
    expect(await world.amount('sure', TODAY, 'exports')).toBe(1);
  });

  it.each(['lost', 'dropped'] as const)('is never repeated when in doubt: %s', async (fault) => {
    const wire = faults(fault);
    expect(await world.usage({ wire }).recordUsage(`doubt-${fault}`, 'exports', 7)).toEqual({
      recorded: 'unknown',
    });
    expect(wire.sent).toHaveLength(1);
    expect(await world.amount(`doubt-${fault}`, TODAY, 'exports')).toBe(fault === 'lost' ? 7 : 0);
  });

  it('throws what says so where it provably could not be written', async () => {
    const { recordUsage } = world.usage({ wire: faultyWire(world.wire, () => 'throttled') });
    await expect(recordUsage('down', 'exports', 1)).rejects.toMatchObject({
      code: 'usage_unavailable',
      retryable: true,
      hint: 'nothing was counted',
    });
  });

  it('refuses what would make a sum inexact', async () => {
    const { recordUsage } = world.usage();
    await recordUsage('huge', 'exports', Number.MAX_SAFE_INTEGER - 1);
    await recordUsage('huge', 'exports', 1);
    await expect(recordUsage('huge', 'exports', 1)).rejects.toMatchObject({ code: 'counter_full' });
    expect(await world.amount('huge', TODAY, 'exports')).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each([
    ['export', 1, 'unknown_metric'],
    ['constructor', 1, 'unknown_metric'],
    ['exports', Number.NaN, 'bad_amount'],
    ['exports', Number.POSITIVE_INFINITY, 'bad_amount'],
    ['exports', -1, 'bad_amount'],
    ['exports', 0.5, 'bad_amount'],
    ['tokens', 0.0001, 'bad_amount'],
    ['tokens', 0.1 + 0.2, 'bad_amount'],
    ['exports', 2 ** 53, 'bad_amount'],
    ['api_calls', 1, 'metric_counted'],
    ['users', 1, 'metric_is_gauge'],
  ])('refuses %s %s: %s', async (metric, amount, code) => {
    const wire = faults();
    await expect(world.usage({ wire }).recordUsage('wrong', metric, amount)).rejects.toMatchObject({ code });
    expect(wire.sent).toEqual([]);
  });

  it.each(['2026-11-23', '2026-10-18', '2026-11-31', 'yesterday'])('refuses the day %s', async (day) => {
    await expect(world.usage().recordUsage('wrong', 'exports', 1, { day })).rejects.toMatchObject({
      code: 'bad_day',
    });
  });
});

describe('recordUsage with an id', () => {
  it('counts once, however often it is recorded', async () => {
    const { recordUsage } = world.usage();
    expect(await recordUsage('once', 'exports', 3, { id: 'order-1' })).toEqual({ recorded: true });
    expect(await recordUsage('once', 'exports', 3, { id: 'order-1' })).toEqual({
      recorded: false,
      duplicate: true,
    });
    const both = await Promise.all(
      [1, 2, 3, 4].map(() => recordUsage('once', 'exports', 1, { id: 'order-2' })),
    );
    expect(both.filter(({ recorded }) => recorded === true)).toHaveLength(1);
    expect(await world.amount('once', TODAY, 'exports')).toBe(4);
  });

  it('knows its own earlier try, whose answer was lost', async () => {
    const wire = faults('lost', 'ok');
    expect(await world.usage({ wire }).recordUsage('own', 'exports', 3, { id: 'a' })).toEqual({
      recorded: true,
    });
    expect(wire.sent).toEqual(['TransactWriteItems', 'TransactWriteItems']);
    expect(await world.amount('own', TODAY, 'exports')).toBe(3);
  });

  it('in lasting doubt throws, and may be recorded again', async () => {
    const wire = faults('lost', 'dropped', 'dropped');
    const { recordUsage } = world.usage({ wire });
    await expect(recordUsage('lasting', 'exports', 3, { id: 'a' })).rejects.toMatchObject({
      code: 'usage_ambiguous',
      retryable: true,
    });
    expect(await recordUsage('lasting', 'exports', 3, { id: 'a' })).toEqual({
      recorded: false,
      duplicate: true,
    });
    expect(await world.amount('lasting', TODAY, 'exports')).toBe(3);
  });

  it('is a conflict under an id used for anything else', async () => {
    const { recordUsage, claim } = world.usage();
    await recordUsage('clash', 'exports', 3, { id: 'a' });
    const conflict = {
      code: 'event_conflict',
      category: 'conflict',
      hint: expect.stringContaining('exports 3'),
    };
    await expect(recordUsage('clash', 'exports', 4, { id: 'a' })).rejects.toMatchObject(conflict);
    await expect(recordUsage('clash', 'tokens', 3, { id: 'a' })).rejects.toMatchObject(conflict);
    const tenant = { tenantId: 'clash', limits: { storageBytes: null, maxUsers: null } };
    await expect(claim(tenant, 'users', 3, { id: 'a' })).rejects.toMatchObject(conflict);
    expect([...(await world.items('clash')).keys()]).toEqual(['EVENT#a', `USAGE#${TODAY}#exports`]);
  });

  it('is the same event after midnight, and another one after its window, swept or not', async () => {
    const { recordUsage } = world.usage({ dedupeDays: 2 });
    await recordUsage('window', 'exports', 3, { id: 'a' });
    world.clock.now += 2 * 86_400_000 - 1000;
    expect(await recordUsage('window', 'exports', 3, { id: 'a' })).toMatchObject({ recorded: false });
    world.clock.now += 1000;
    expect(await recordUsage('window', 'exports', 3, { id: 'a' })).toEqual({ recorded: true });
    expect(await world.amount('window', '2026-11-24', 'exports')).toBe(3);
  });

  it('is small: an event is one write unit, its ttl in seconds', async () => {
    await world.usage().recordUsage('small', 'exports', 3, { id: 'a' });
    expect((await world.items('small')).get('EVENT#a')).toMatchObject({
      what: 'exports 3',
      ttl: NOW / 1000 + 34 * 86_400,
    });
  });
});

describe('recordUsageBatch', () => {
  const events = [
    { metric: 'exports', amount: 1 },
    { metric: 'tokens', amount: 0.25 },
    { metric: 'exports', amount: 2 },
    { metric: 'exports', amount: 5, day: '2026-11-21' },
  ];

  it('is one write a day and metric, in one request, all or none', async () => {
    const wire = faults();
    await world.usage({ wire }).recordUsageBatch('batch', events);
    expect(wire.sent).toEqual(['TransactWriteItems']);
    expect(await world.amount('batch', TODAY, 'exports')).toBe(3);
    expect(await world.amount('batch', TODAY, 'tokens')).toBe(250);
    expect(await world.amount('batch', '2026-11-21', 'exports')).toBe(5);
    await expect(
      world.usage().recordUsageBatch('batch', [...events, { metric: 'nothing', amount: 1 }]),
    ).rejects.toMatchObject({ code: 'unknown_metric' });
    expect(await world.amount('batch', TODAY, 'exports')).toBe(3);
  });

  it('many events of one metric are one plain write', async () => {
    const wire = faults();
    const many = Array.from({ length: 1000 }, () => ({ metric: 'exports', amount: 1 }));
    await world.usage({ wire }).recordUsageBatch('many', many);
    expect(wire.sent).toEqual(['UpdateItem']);
    expect(await world.amount('many', TODAY, 'exports')).toBe(1000);
  });

  it('counts once under its id', async () => {
    const { recordUsageBatch } = world.usage();
    expect(await recordUsageBatch('batch-once', events, { id: 'b' })).toEqual({ recorded: true });
    expect(await recordUsageBatch('batch-once', events, { id: 'b' })).toMatchObject({ duplicate: true });
    await expect(recordUsageBatch('batch-once', events.slice(1), { id: 'b' })).rejects.toMatchObject({
      code: 'event_conflict',
    });
    expect(await world.amount('batch-once', TODAY, 'exports')).toBe(3);
  });
});

describe('over HTTP', () => {
  let proxy: WireProxy;
  let wire: Wire;
  beforeAll(async () => {
    proxy = await startProxy(world.endpoint);
    const { endpoint } = proxy;
    wire = createWire({ endpoint, region: 'us-east-1', credentials: CREDENTIALS, timeoutMs: 5_000 });
  });
  afterAll(async () => {
    wire.close();
    await proxy.close();
  });
  const fare = (...list: (HttpFault | undefined)[]) => {
    proxy.rule = () => list.shift();
    return world.usage({ wire });
  };

  it.each<[HttpFault[], unknown, number]>([
    [['throttle', 'conflict'], { recorded: true }, 1],
    [['lose answer'], { recorded: 'unknown' }, 1],
    [['cut'], { recorded: 'unknown' }, 0],
    [['web page'], { recorded: 'unknown' }, 0],
  ])('without an id, after %s', async (list, result, counted) => {
    const tenantId = `http-${list.join('-').replace(' ', '-')}`;
    expect(await fare(...list).recordUsage(tenantId, 'exports', 1)).toEqual(result);
    expect(await world.amount(tenantId, TODAY, 'exports')).toBe(counted);
  });

  it('with an id, through conflicts, throttles, lost answers and web pages', async () => {
    const usage = fare('conflict', 'throttle', 'lose answer', 'web page');
    expect(await usage.recordUsage('http-id', 'exports', 1, { id: 'a' })).toEqual({ recorded: true });
    expect(await world.amount('http-id', TODAY, 'exports')).toBe(1);
    await expect(fare('denied').recordUsage('http-id', 'exports', 1, { id: 'b' })).rejects.toMatchObject({
      code: 'usage_failed',
      retryable: false,
    });
  });

  it('where nobody listens says that nothing was counted', async () => {
    const closed = createWire({
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: CREDENTIALS,
    });
    await expect(
      world.usage({ wire: closed }).recordUsage('http-closed', 'exports', 1),
    ).rejects.toMatchObject({
      code: 'usage_unavailable',
    });
    closed.close();
  });
});

/**
 * Events recorded again and again over a wire that fails at random, by recorders that crash and repeat. True to what
 * was counted: with an id exactly once; without one, between what was confirmed and that plus what is unknown.
 */
describe('under faults', () => {
  const FAULTS: Fault[] = ['ok', 'ok', 'lost', 'dropped', 'throttled', 'conflict', 'unreachable'];

  type Attempt = (wire: ReturnType<typeof faultyWire>, tenantId: string, id: string) => Promise<void>;

  async function countedOnce(attempt: Attempt, seed: number): Promise<boolean> {
    const random = randomFrom(seed);
    const tenantId = `once-${attempt.name}-${seed}`.toLowerCase();
    const wire = faultyWire(world.wire, () => pick(random, FAULTS));
    const ids = ['a', 'b', 'c', 'd'];
    const rounds = Array.from({ length: 12 }, () => pick(random, ids));
    for (const id of rounds) await attempt(wire, tenantId, id).catch(() => {});
    for (const id of ids)
      await attempt(
        faultyWire(world.wire, () => 'ok'),
        tenantId,
        id,
      );
    return (await world.amount(tenantId, TODAY, 'exports')) === ids.length;
  }

  const honest: Attempt = async (wire, tenantId, id) => {
    await world.usage({ wire }).recordUsage(tenantId, 'exports', 1, { id });
  };
  const line = { metric: 'exports', amount: 1, day: TODAY };
  /** The mark is written first and the amount after it: a crash between the two loses the event. */
  const inTwoSteps: Attempt = async (wire, tenantId, id) => {
    const [mark] = recordWrites(tenantId, { id, what: 'exports 1', by: 'x' }, [line], 34, NOW);
    if (mark === undefined) throw new Error('a recording begins with its mark');
    const marked = await write(wire, STACK, [mark], {}, async () => {});
    if (marked.kind === 'applied') await write(wire, STACK, [addWrite(tenantId, line)], {}, async () => {});
  };
  /** The answer that was lost is asked for again, without an id that would tell. */
  const blindRetry: Attempt = async (wire, tenantId, id) => {
    const budget = { ambiguous: 3, contended: 3, unreachable: 3 };
    if ((await world.items(tenantId)).has(`EVENT#${id}`)) return;
    await write(wire, STACK, [addWrite(tenantId, line)], budget, async () => {});
    await write(
      world.wire,
      STACK,
      recordWrites(tenantId, { id, what: 'x', by: 'x' }, [], 34, NOW),
      {},
      async () => {},
    );
  };

  const SEEDS = Array.from({ length: 24 }, (_, seed) => seed);
  const right = async (attempt: Attempt) =>
    (await Promise.all(SEEDS.map((seed) => countedOnce(attempt, seed)))).filter(Boolean).length;

  it('an event with an id is counted exactly once', async () => {
    expect(await right(honest)).toBe(SEEDS.length);
  });

  it('and broken ways to record are caught by the same property', async () => {
    expect(await right(inTwoSteps)).toBeLessThan(SEEDS.length);
    expect(await right(blindRetry)).toBeLessThan(SEEDS.length);
  });

  it('one without an id is never counted twice, and what is confirmed is counted', async () => {
    for (const seed of SEEDS.slice(0, 12)) {
      const random = randomFrom(1000 + seed);
      const { recordUsage } = world.usage({ wire: faultyWire(world.wire, () => pick(random, FAULTS)) });
      const results = await Promise.all(
        Array.from({ length: 15 }, () => recordUsage(`plain-${seed}`, 'exports', 1).catch(() => null)),
      );
      const confirmed = results.filter((result) => result?.recorded === true).length;
      const unknown = results.filter((result) => result?.recorded === 'unknown').length;
      const counted = await world.amount(`plain-${seed}`, TODAY, 'exports');
      expect(counted).toBeGreaterThanOrEqual(confirmed);
      expect(counted).toBeLessThanOrEqual(confirmed + unknown);
    }
  });
});
