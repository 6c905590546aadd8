import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GateItem } from '../../../src/core/gate/layout.ts';
import { gatePk } from '../../../src/core/gate/layout.ts';
import { tableName } from '../../../src/core/schema.ts';
import { foldDue, foldPlan } from '../../../src/core/usage/fold.ts';
import type { ItemWrite } from '../../../src/core/usage/layout.ts';
import { createFolder } from '../../../src/runtime/usage/folder.ts';
import { write } from '../../../src/runtime/usage/writes.ts';
import { marshalItem } from '../../../src/runtime/wire/marshal.ts';
import { gateFixture, putGate, readGate, STACK } from '../../fixtures/gate.ts';
import { type Fault, faultyWire, NOW, openUsageWorld, pick, randomFrom, type UsageWorld } from './world.ts';

let world: UsageWorld;
beforeAll(async () => {
  world = await openUsageWorld();
});
afterAll(() => world.close());

const pause = async () => {};

describe('what is folded', () => {
  const gate = gateFixture({
    u: {
      '2026-11-19': 4,
      '2026-11-20': 5,
      '2026-11-20.c': 1500,
      '2026-11-21': 6,
      '2026-11-21.c': 9,
      '2026-11-22': 7,
    },
    m: { '2026-09': 1, '2026-10': 2, '2026-11': 22 },
  });

  it('is every day before yesterday, and months before the last', () => {
    const [removal, ...additions] = foldPlan(gate, NOW) ?? [];
    expect(removal).toMatchObject({
      table: 'gates',
      update: {
        Key: { PK: 'GATE#acme' },
        UpdateExpression: 'REMOVE #u.#d0, #u.#d1, #u.#d2, #m.#m0',
        ConditionExpression: 'attribute_exists(#status) AND #u.#d0 = :d0 AND #u.#d1 = :d1 AND #u.#d2 = :d2',
        ExpressionAttributeNames: { '#d0': '2026-11-19', '#d2': '2026-11-20.c', '#m0': '2026-09' },
        ExpressionAttributeValues: { ':d0': 4, ':d1': 5, ':d2': 1500 },
      },
    });
    expect(additions.map((one) => ('update' in one ? one.update : null))).toMatchObject([
      { Key: { SK: 'USAGE#2026-11-19#api_calls' }, ExpressionAttributeValues: { ':amount': 4 } },
      { Key: { SK: 'USAGE#2026-11-20#api_calls' }, ExpressionAttributeValues: { ':amount': 5 } },
      { Key: { SK: 'USAGE#2026-11-20#compute_seconds' }, ExpressionAttributeValues: { ':amount': 1500 } },
    ]);
  });

  it('is nothing while there are only today and yesterday', () => {
    const young = gateFixture({
      u: { '2026-11-21': 6, '2026-11-22': 7 },
      m: { '2026-10': 2, '2026-11': 22 },
    });
    expect(foldPlan(young, NOW)).toBeNull();
    expect(foldDue(young, NOW)).toBe(false);
    expect(foldDue(gate, NOW)).toBe(true);
    expect(
      foldPlan(gateFixture({ m: { '2026-12': 1, '2027-01': 2, '2026-11': 1 } }), Date.parse('2027-01-31')),
    ).toHaveLength(1);
  });

  it('is done by the gate’s own sandbox once an hour, and leaves the rest as it was', async () => {
    await putGate(world.wire, gate);
    const wire = faultyWire(world.wire, () => undefined);
    const see = createFolder(wire, STACK);
    for (let calls = 0; calls < 3; calls++) see(gate, NOW * 1000);
    await expect
      .poll(async () => (await readGate(world.wire)).u, { timeout: 60_000 })
      .toEqual({
        '2026-11-21': 6,
        '2026-11-21.c': 9,
        '2026-11-22': 7,
      });
    expect(wire.sent).toEqual(['TransactWriteItems']);
    expect(await readGate(world.wire)).toMatchObject({ m: { '2026-10': 2, '2026-11': 22 }, k: gate.k });
    expect(await world.amount('acme', '2026-11-20', 'api_calls')).toBe(5);
    see(gate, (NOW + 3_600_000) * 1000);
    expect(wire.sent).toHaveLength(2);
  });
});

type Plan = (gate: GateItem, now: number) => ItemWrite[] | null;
type Reader = (tenantId: string, between: () => Promise<void>) => Promise<number>;

const folded = async (tenantId: string) =>
  [...(await world.items(tenantId)).values()].reduce((sum, { amount }) => sum + Number(amount), 0);
const onGate = async (tenantId: string) =>
  Object.values((await readGate(world.wire, tenantId)).u).reduce((sum, n) => sum + n, 0);

const usageFirst: Reader = async (tenantId, between) => {
  const there = await folded(tenantId);
  await between();
  return there + (await onGate(tenantId));
};
const gateFirst: Reader = async (tenantId, between) => {
  const there = await onGate(tenantId);
  await between();
  return there + (await folded(tenantId));
};
/** Without its conditions: moves what it once read, whatever is there now. */
const unconditional: Plan = (gate, now) =>
  (foldPlan(gate, now) ?? []).map((one) => {
    if (one.table !== 'gates' || !('update' in one)) return one;
    const { ExpressionAttributeNames, ExpressionAttributeValues, ...update } = one.update;
    const { '#status': _, ...names } = ExpressionAttributeNames;
    const { ConditionExpression, ...rest } = update;
    return { table: one.table, update: { ...rest, ExpressionAttributeNames: names } };
  });

describe('folds beside counting, each other, lost answers and readers', () => {
  const FAULTS: Fault[] = ['ok', 'ok', 'lost', 'dropped', 'conflict'];
  const DAYS = ['2026-11-17', '2026-11-18', '2026-11-19', '2026-11-20', '2026-11-21', '2026-11-22'];

  /** Whether all that was counted is there once at the end, and no reader ever saw more. */
  async function conserves(seed: number, plan: Plan, reader: Reader): Promise<boolean> {
    const random = randomFrom(seed);
    const tenantId = `fold-${seed}-${plan.name}-${reader.name}`.toLowerCase();
    const wire = faultyWire(world.wire, () => pick(random, FAULTS));
    await putGate(world.wire, gateFixture({ PK: gatePk(tenantId), u: { '2026-11-18': 5, '2026-11-19': 3 } }));
    let counted = 8;
    const hands: GateItem[] = [await readGate(world.wire, tenantId)];

    async function count(): Promise<void> {
      counted += 1;
      const reply = await world.wire.send('UpdateItem', {
        TableName: tableName(STACK, 'gates'),
        Key: marshalItem({ PK: gatePk(tenantId) }),
        UpdateExpression: 'SET u.#day = if_not_exists(u.#day, :zero) + :one',
        ExpressionAttributeNames: { '#day': pick(random, DAYS) },
        ExpressionAttributeValues: marshalItem({ ':zero': 0, ':one': 1 }),
      });
      if (reply.kind !== 'applied') throw new Error(JSON.stringify(reply));
    }
    async function fold(): Promise<void> {
      // A gate read a while ago, by any of the folders.
      const writes = plan(pick(random, hands), NOW);
      if (writes !== null && writes.length > 0) {
        await write(wire, STACK, writes, { ambiguous: 2, contended: 1 }, pause);
      }
    }
    const step = async () => {
      const which = random();
      if (which < 0.4) return count();
      if (which < 0.65) return void hands.push(await readGate(world.wire, tenantId));
      return fold();
    };

    for (let steps = 0; steps < 12; steps++) {
      await step();
      if (random() < 0.3 && (await reader(tenantId, step)) > counted) return false;
    }
    for (let quiet = 0; quiet < 2; quiet++) {
      const writes = plan(await readGate(world.wire, tenantId), NOW);
      if (writes !== null && writes.length > 0) await write(world.wire, STACK, writes, {}, pause);
    }
    const left = Object.keys((await readGate(world.wire, tenantId)).u);
    return (await usageFirst(tenantId, pause)) === counted && left.every((day) => day >= '2026-11-21');
  }

  const SEEDS = Array.from({ length: 36 }, (_, seed) => seed);
  const right = async (plan: Plan, reader: Reader) =>
    (await Promise.all(SEEDS.map((seed) => conserves(seed, plan, reader)))).filter(Boolean).length;

  it('nothing is counted twice or lost, and no reader sees more than there is', async () => {
    expect(await right(foldPlan, usageFirst)).toBe(SEEDS.length);
  });

  it('and a fold without its conditions, or a reader that begins with the gate, is caught', async () => {
    expect(await right(unconditional, usageFirst)).toBeLessThan(SEEDS.length / 2);
    expect(await right(foldPlan, gateFirst)).toBeLessThan(SEEDS.length);
  });
});
