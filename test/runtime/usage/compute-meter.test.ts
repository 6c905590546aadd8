import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGate } from '../../../src/runtime/gate.ts';
import { createDirectMeter, createRidingMeter } from '../../../src/runtime/usage/compute-meter.ts';
import { withTenant } from '../../../src/runtime/with-tenant.ts';
import { gateFixture, mappingFixture, putGate, putKey, readGate, STACK } from '../../fixtures/gate.ts';
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
const options = (wire = faultyWire(world.wire, () => undefined)) => ({
  wire,
  stack: STACK,
  log: (line: object) => void world.log.push({ ...line }),
  now: () => world.clock.now,
  pause: async () => {},
});
const counted = (tenantId: string, day = TODAY) => world.amount(tenantId, day, 'compute_seconds');

describe('compute time in inline mode', () => {
  it('waits for the tenant’s next gate write, and is taken by it once', async () => {
    const wire = faultyWire(world.wire, () => undefined);
    const meter = createRidingMeter(options(wire));
    await meter.spent('acme', 120);
    await meter.spent('acme', 30);
    await meter.spent('other', 7);
    const load = { ms: 150, since: NOW };
    expect(meter.take('acme', TODAY)).toMatchObject(load);
    expect(meter.take('acme', TODAY)).toBeNull();
    expect(meter.take('other', '2026-11-23')).toBeNull();
    meter.giveBack('acme', TODAY, load);
    expect(meter.take('acme', TODAY)).toMatchObject(load);
    expect(wire.sent).toEqual([]);
  });

  it('is written by any invocation after 10 s, each tenant’s in one write', async () => {
    const wire = faultyWire(world.wire, () => undefined);
    const meter = createRidingMeter(options(wire));
    await meter.spent('late-a', 120);
    await meter.spent('late-a', 80);
    world.clock.now += 9_999;
    await meter.spent('late-b', 5);
    await meter.flush();
    expect(wire.sent).toEqual([]);
    world.clock.now += 1;
    await meter.flush();
    expect(wire.sent).toEqual(['UpdateItem']);
    expect(await counted('late-a')).toBe(200);
    expect(await counted('late-b')).toBe(0);
  });

  it('of a tenant that is denied every second is written all the same, behind younger time too', async () => {
    const meter = createRidingMeter(options());
    await meter.spent('denied', 40);
    for (let second = 0; second < 11; second++) {
      world.clock.now += 1000;
      await meter.spent(`other-${second}`, 1);
      const load = meter.take('denied', TODAY);
      if (load !== null) meter.giveBack('denied', TODAY, load);
      await meter.flush();
    }
    expect(await counted('denied')).toBe(40);
    expect(await counted('other-0')).toBe(1);
    expect(await counted('other-5')).toBe(0);
  });

  it('stays on its own day over midnight', async () => {
    world.clock.now = Date.parse('2026-11-22T23:59:58Z');
    const meter = createRidingMeter(options());
    await meter.spent('night', 50);
    world.clock.now += 15_000;
    expect(meter.take('night', '2026-11-23')).toBeNull();
    await meter.flush();
    expect(await counted('night')).toBe(50);
  });

  it('not written goes back and waits; in doubt it is gone, and said', async () => {
    const faults: Fault[] = ['throttled', 'throttled', 'throttled', 'ok', 'lost'];
    const meter = createRidingMeter(options(faultyWire(world.wire, () => faults.shift())));
    await meter.spent('flaky', 10);
    world.clock.now += 10_000;
    await meter.flush();
    expect(await counted('flaky')).toBe(0);
    await meter.flush();
    expect(await counted('flaky')).toBe(10);
    await meter.spent('flaky', 3);
    world.clock.now += 10_000;
    await meter.flush();
    await meter.flush();
    expect(await counted('flaky')).toBe(13);
    expect(world.log.map(({ event, kind }) => [event, kind])).toEqual([
      ['compute_not_counted', 'contended'],
      ['compute_not_counted', 'ambiguous'],
    ]);
  });

  it('through random faults is never counted above what was spent, nor below what is certain', async () => {
    const FAULTS: Fault[] = ['ok', 'ok', 'lost', 'dropped', 'throttled', 'unreachable'];
    for (let seed = 0; seed < 15; seed++) {
      const random = randomFrom(seed);
      const tenantId = `random-${seed}`;
      const meter = createRidingMeter(options(faultyWire(world.wire, () => pick(random, FAULTS))));
      let spent = 0;
      let lost = 0;
      world.log.length = 0;
      for (let step = 0; step < 10; step++) {
        const ms = 1 + Math.floor(random() * 100);
        spent += ms;
        await meter.spent(tenantId, ms);
        world.clock.now += 10_000;
        await meter.flush();
      }
      for (const { kind, ms } of world.log) if (kind === 'ambiguous') lost += Number(ms);
      const waiting = meter.take(tenantId, TODAY)?.ms ?? 0;
      const there = await counted(tenantId);
      expect(there).toBeLessThanOrEqual(spent - waiting);
      expect(there).toBeGreaterThanOrEqual(spent - waiting - lost);
    }
  });
});

describe('compute time behind an authorizer', () => {
  it('is one write a call, and what goes wrong with it is nobody’s error', async () => {
    const faults: Fault[] = ['ok', 'dropped'];
    const wire = faultyWire(world.wire, () => faults.shift());
    const meter = createDirectMeter(options(wire));
    await meter.spent('direct', 12);
    await meter.spent('direct', 12);
    expect(wire.sent).toEqual(['UpdateItem', 'UpdateItem']);
    expect(await counted('direct')).toBe(12);
  });
});

describe('withTenant', () => {
  const context = { tenantId: 'timed', plan: 'pro', keyId: 'k1', env: 'live', scopes: '', apiCalls: 1 };
  const event = { requestContext: { authorizer: { lambda: context } } };

  it('times a handler to its end, also one that throws', async () => {
    const spent: [string, number][] = [];
    const meter = {
      flush: async () => {},
      spent: async (id: string, ms: number) => void spent.push([id, ms]),
    };
    const handler = withTenant(() => 'done', { meter });
    await handler(event, {});
    const failing = withTenant(() => Promise.reject(new Error('mine')), { meter });
    await expect(failing(event, {})).rejects.toThrow('mine');
    expect(spent.map(([id]) => id)).toEqual(['timed', 'timed']);
    for (const [, ms] of spent) expect(Number.isInteger(ms) && ms >= 1).toBe(true);
  });

  it('inline carries the time of one call with the gate write of the next: no write of its own', async () => {
    await putGate(world.wire, gateFixture({ PK: 'GATE#rides' }));
    const key = await putKey(world.wire, mappingFixture({ tenantId: 'rides' }));
    const wire = faultyWire(world.wire, () => undefined);
    const meter = createRidingMeter(options(wire));
    const gate = createGate({
      wire,
      stack: STACK,
      prefix: 'anb',
      envs: ['live'],
      importedKeys: false,
      policy: 'deny',
      log: () => {},
      now: () => world.clock.now * 1000,
      rider: meter,
    });
    const handler = withTenant(() => 'done', { mode: 'inline', gate, meter });
    for (let calls = 0; calls < 3; calls++) {
      await handler({ headers: { 'x-api-key': key } }, {});
      world.clock.now += 1000;
    }
    const { u } = await readGate(world.wire, 'rides');
    expect(u[TODAY]).toBe(3);
    expect(u[`${TODAY}.c`]).toBeGreaterThanOrEqual(2);
    expect(wire.sent.filter((operation) => operation === 'UpdateItem')).toHaveLength(3);
    expect(meter.take('rides', TODAY)?.ms).toBeGreaterThanOrEqual(1);
  });
});
