// A change of rate on the real engine: whatever a bucket held before, no flood passes after it.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileEdits, type GateUpdate } from '../../../src/core/gate/edits.ts';
import { bucketOf, type GateItem, type GateKey, gatePk, type Rate } from '../../../src/core/gate/layout.ts';
import { tableName } from '../../../src/core/schema.ts';
import { createGate } from '../../../src/runtime/gate.ts';
import { updateItem } from '../../../src/runtime/wire/items.ts';
import {
  gateFixture,
  keyFixture,
  NOON,
  putGate,
  putKey,
  STACK,
  startTestEngine,
  type TestEngine,
} from '../../fixtures/gate.ts';

const RUNS = 150;

let engine: TestEngine;
let key: string;
beforeAll(async () => {
  engine = await startTestEngine();
  key = await putKey(engine.wire);
});
afterAll(() => engine.stop());

type Rerate = (gate: GateItem, to: Rate, now: number) => GateUpdate;

const asTheToolDoes: Rerate = (gate, to, now) => compileEdits([{ edit: 'rates', to }], gate, now);

/** Keeps the bucket as it was: offsets of the old rate under the new one. */
const rateAlone: Rerate = (_gate, to) => {
  const { T, bm } = bucketOf(to);
  return {
    UpdateExpression: 'SET #k.#key.#T = :T, #k.#key.#bm = :bm',
    ConditionExpression: 'attribute_exists(#k.#key)',
    ExpressionAttributeNames: { '#k': 'k', '#key': 'k1', '#T': 'T', '#bm': 'bm' },
    ExpressionAttributeValues: { ':T': T, ':bm': bm },
  };
};

const rate = (most: number) =>
  fc.record({
    perSecond: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.constantFrom(0.01, 0.3, 7.5)),
    burst: fc.integer({ min: 1, max: most }),
  });

/** A bucket as calls leave it: `used` of its burst taken at noon. */
function usedBucket(of: Rate, used: number): GateKey {
  const { T, bm } = bucketOf(of);
  const tat = NOON + used * T;
  return used === 0 ? keyFixture(of) : keyFixture(of, { tat, aat: tat - T - bm });
}

/** Calls let through at one instant, counted up to one more than may pass. */
async function passing(now: number, atMost: number): Promise<number> {
  const gate = createGate({
    wire: engine.wire,
    stack: STACK,
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'deny',
    log: (line) => {
      throw new Error(JSON.stringify(line));
    },
    now: () => now,
  });
  for (let calls = 0; calls <= atMost; calls++) {
    if ((await gate.check(key)).outcome !== 'allowed') return calls;
  }
  return atMost + 1;
}

const neverAFlood = (rerate: Rerate) =>
  fc.asyncProperty(
    rate(40),
    rate(8),
    // Percent of the old burst: calls used of it at once, and time passed since in units of its refill.
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: 0, max: 120 }),
    async (before, after, used, waited) => {
      const bucket = usedBucket(before, Math.round((used / 100) * before.burst));
      const now = NOON + Math.round((waited / 100) * before.burst * bucket.T);
      const gate = gateFixture({ k: { k1: bucket } });
      await putGate(engine.wire, gate);
      const request = {
        TableName: tableName(STACK, 'gates'),
        Key: { PK: gatePk('acme') },
        ...rerate(gate, after, now),
        ReturnValues: 'ALL_NEW',
      };
      const { kind } = await updateItem(engine.wire, request);
      if (kind !== 'applied') throw new Error(`the re-rating was ${kind}`);
      const passed = await passing(now, after.burst);
      expect(passed).toBeLessThanOrEqual(after.burst);
      if (bucket.tat <= now) expect(passed).toBe(after.burst);
    },
  );

it('lets at most the new burst through at once, and all of it where the bucket was full', async () => {
  await fc.assert(neverAFlood(asTheToolDoes), { numRuns: RUNS });
});

it('would be caught rewriting the rate without its bucket', async () => {
  const caught = fc.assert(neverAFlood(rateAlone), { numRuns: RUNS, endOnFailure: true });
  await expect(caught).rejects.toMatchObject({
    cause: { message: expect.stringContaining('less than or equal') },
  });
});
