// Sandboxes of one key on one gate, in memory: random calls, clocks, crashes and faults, and what must hold after.
import fc from 'fast-check';
import { bucketOf, NEVER } from '../../src/core/gate/layout.ts';
import { LEASE_TIME } from '../../src/core/gate/lease.ts';
import type { Gate, Rider } from '../../src/runtime/outcome.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import type { Exchange } from '../../src/runtime/wire/transport.ts';
import { gateFixture, keyFixture, putGate, putKey, readGate } from '../fixtures/gate.ts';
import { gateOver } from './gate-over.ts';
import { dynamoError, memoryDynamo, memoryWire } from './memory-dynamo.ts';

/** Ten seconds before a day, and a month, ends. */
const START = (Date.UTC(2026, 11, 1) - 10_000) * 1000;
const COUNT = 3;

/** `lost`: applied, and the answer is an error; `dropped`: not applied, and nobody can tell. */
export type Fault = 'lost' | 'dropped' | 'throttle' | 'conflict';

export type Step =
  | { do: 'call'; sandbox: number; at_once: number }
  | { do: 'wait'; us: number }
  | { do: 'clock'; sandbox: number; to: number }
  | { do: 'crash'; sandbox: number }
  | { do: 'fault'; kinds: Fault[] }
  | { do: 'spend'; sandbox: number; ms: number };

export interface World {
  perSecond: number | null;
  burst: number;
  quota: number;
  lease: number;
  steps: Step[];
}

const sandbox = fc.nat({ max: COUNT - 1 });
const kind = fc.constantFrom<Fault>('lost', 'dropped', 'throttle', 'conflict');

export const worlds = ({
  faults,
  lease,
}: {
  faults: boolean;
  lease: fc.Arbitrary<number>;
}): fc.Arbitrary<World> => {
  const calls = fc.record({
    do: fc.constant('call' as const),
    sandbox,
    at_once: fc.integer({ min: 1, max: 6 }),
  });
  const waits = fc.record({
    do: fc.constant('wait' as const),
    us: fc.oneof(
      fc.constant(0),
      fc.nat({ max: 20_000 }),
      fc.nat({ max: 700_000 }),
      fc.nat({ max: 3_000_000 }),
    ),
  });
  const clocks = fc.record({
    do: fc.constant('clock' as const),
    sandbox,
    to: fc.integer({ min: -5_000_000, max: 5_000_000 }),
  });
  const spend = fc.record({
    do: fc.constant('spend' as const),
    sandbox,
    ms: fc.integer({ min: 1, max: 900 }),
  });
  const crash = fc.record({ do: fc.constant('crash' as const), sandbox });
  const fault = fc.record({
    do: fc.constant('fault' as const),
    kinds: fc.array(kind, { minLength: 1, maxLength: 3 }),
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 12, arbitrary: calls },
    { weight: 6, arbitrary: waits },
    { weight: 1, arbitrary: clocks },
    { weight: 1, arbitrary: spend },
    ...(faults
      ? [
          { weight: 1, arbitrary: crash },
          { weight: 1, arbitrary: fault },
        ]
      : []),
  );
  return fc.record({
    perSecond: fc.oneof(
      fc.constant(null),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 50, max: 100_000 }),
    ),
    burst: fc.integer({ min: 1, max: 40 }),
    quota: fc.oneof(fc.constant(NEVER), fc.integer({ min: 0, max: 60 })),
    lease,
    steps: fc.array(step, { minLength: 5, maxLength: 60 }),
  });
};

/** Replaced by broken ones, to see that they are caught. */
export interface Parts {
  bucket?: typeof bucketOf;
  wire?: (wire: Wire) => Wire;
}

/** Plays a world and throws where a promise of the gate is broken. */
export async function play(
  world: World,
  { bucket = bucketOf, wire: around = (wire) => wire }: Parts = {},
): Promise<void> {
  const { perSecond, burst, quota, lease, steps } = world;
  const { T, bm } = bucket({ perSecond, burst });
  const dynamo = memoryDynamo();
  const plain = memoryWire(dynamo).wire;
  await putGate(plain, gateFixture({ limit: quota, n: lease, k: { k1: keyFixture(undefined, { T, bm }) } }));
  const key = await putKey(plain);

  let time = START;
  const offsets = new Array<number>(COUNT).fill(0);
  const spread = { least: 0, most: 0 };
  const pending: Fault[] = [];
  const tally = { served: 0, inDoubt: 0, crashes: 0, faults: 0, spent: 0 };
  const riders = Array.from({ length: COUNT }, () => rider());
  const open = (at: number): Gate =>
    gateOver(around(faulty(dynamo, pending, tally)), {
      now: () => time + (offsets[at] as number),
      rider: riders[at]?.rider,
      draw: () => 0.03,
    }).gate;
  const gates = offsets.map((_, at) => open(at));
  const admitted: number[] = [];

  for (const step of steps) {
    switch (step.do) {
      case 'wait':
        time += step.us;
        break;
      case 'clock':
        offsets[step.sandbox] = step.to;
        spread.least = Math.min(spread.least, step.to);
        spread.most = Math.max(spread.most, step.to);
        break;
      case 'crash':
        tally.crashes += 1;
        (riders[step.sandbox] as ReturnType<typeof rider>).lose();
        gates[step.sandbox] = open(step.sandbox);
        break;
      case 'fault':
        tally.faults += step.kinds.length;
        pending.push(...step.kinds);
        break;
      case 'spend':
        tally.spent += step.ms;
        (riders[step.sandbox] as ReturnType<typeof rider>).spend(step.ms);
        break;
      case 'call': {
        const gate = gates[step.sandbox] as Gate;
        const outcomes = await Promise.all(Array.from({ length: step.at_once }, () => gate.check(key)));
        for (const { outcome } of outcomes) {
          if (outcome === 'allowed') admitted.push(time);
          if (outcome === 'unavailable') tally.inDoubt += 1;
        }
        const { m } = await readGate(plain);
        for (const calls of Object.values(m))
          if (calls > quota) throw new Error(`${calls} of ${quota} counted`);
      }
    }
  }
  tally.served = admitted.length;
  const room = spread.most - spread.least + LEASE_TIME;
  if (T > 0) {
    const interval = bucketOf({ perSecond, burst }).T;
    admitted.forEach((from, i) => {
      for (let j = i; j < admitted.length; j++) {
        const bound =
          burst +
          Math.floor(((admitted[j] as number) - from + (lease > 1 ? room : room - LEASE_TIME)) / interval);
        if (j - i + 1 > bound) throw new Error(`${j - i + 1} admitted where ${bound} may be`);
      }
    });
  }

  pending.length = 0;
  for (const gate of gates) await gate.settle();
  const { m, u } = await readGate(plain);
  const sum = (counts: Record<string, number>, ending: RegExp) =>
    Object.entries(counts).reduce((total, [name, n]) => total + (ending.test(name) ? n : 0), 0);
  const [charged, billed, compute] = [sum(m, /./), sum(u, /\d$/), sum(u, /c$/)];
  const lost = lease * (tally.crashes + tally.faults);
  const check = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`${what}: ${JSON.stringify({ charged, billed, compute, lost, ...tally })}`);
  };
  check(charged >= tally.served, 'more served than the quota was charged');
  check(billed <= tally.served + tally.inDoubt, 'more billed than served');
  check(tally.served - billed <= lost, 'more lost than crashes and faults explain');
  check(charged - tally.served <= lost + tally.inDoubt, 'more quota lost than crashes and faults explain');
  check(compute <= tally.spent, 'compute time counted twice');
  if (lost === 0) check(billed === tally.served && charged === billed, 'miscounted without a fault');
  const aboard = riders.reduce((total, { left }) => total + left(), 0);
  if (lost === 0) check(compute + aboard === tally.spent, 'compute time lost without a fault');
}

function rider() {
  const waiting = new Map<string, number>();
  const put = (day: string, ms: number) => waiting.set(day, (waiting.get(day) ?? 0) + ms);
  let unassigned = 0;
  const own: Rider = {
    take(_tenantId, day) {
      const ms = (waiting.get(day) ?? 0) + unassigned;
      unassigned = 0;
      waiting.delete(day);
      return ms === 0 ? null : { ms, since: 0 };
    },
    giveBack: (_tenantId, day, { ms }) => void put(day, ms),
  };
  return {
    rider: own,
    spend(ms: number) {
      unassigned += ms;
    },
    lose() {
      waiting.clear();
      unassigned = 0;
    },
    left: () => unassigned + [...waiting.values()].reduce((sum, ms) => sum + ms, 0),
  };
}

/** A wire on which the next updates meet what `pending` says. */
function faulty(dynamo: ReturnType<typeof memoryDynamo>, pending: Fault[], _tally: object): Wire {
  const { wire, next } = memoryWire(dynamo);
  const answered = (status: number, type: string): Exchange => ({
    kind: 'answered',
    status,
    text: JSON.stringify(dynamoError(status, type).body),
  });
  return {
    ...wire,
    async send(operation, body) {
      const fault = operation === 'UpdateItem' ? pending.shift() : undefined;
      if (fault === 'lost') await wire.send(operation, body);
      if (fault === 'lost' || fault === 'dropped') next.push(answered(500, 'InternalServerError'));
      if (fault === 'throttle') next.push(answered(400, 'ThrottlingException'));
      if (fault === 'conflict') next.push(answered(400, 'TransactionConflictException'));
      return wire.send(operation, body);
    },
  };
}
