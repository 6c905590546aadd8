// Random rates, schedules and branch guesses, and whether the gate decides on them as GCRA does.
import fc from 'fast-check';
import { bucketOf, type GateItem, NEVER } from '../../../src/core/gate/layout.ts';
import type { Branch } from '../../../src/core/gate/request.ts';
import { gateFixture, keyFixture, NOON } from '../../fixtures/gate.ts';
import { gateInMemory, gcraModel } from './gcra.ts';

export interface Schedule {
  perSecond: number;
  burst: number;
  quota: number;
  /** Time since the call before, in 1/8 of T (clocks differ, so it may be negative), and the branch guessed. */
  calls: { gap: number; guess: Branch }[];
}

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  perSecond: fc.oneof(
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.double({ min: 0.001, max: 10, noNaN: true }),
  ),
  burst: fc.integer({ min: 1, max: 8 }),
  quota: fc.oneof(
    { weight: 3, arbitrary: fc.constant(NEVER) },
    { weight: 1, arbitrary: fc.nat({ max: 20 }) },
  ),
  calls: fc.array(
    fc.record({
      gap: fc.oneof(fc.constant(0), fc.integer({ min: -4, max: 24 }), fc.integer({ min: 0, max: 100 })),
      guess: fc.constantFrom<Branch>('full', 'part'),
    }),
    { minLength: 1, maxLength: 40 },
  ),
});

type Bucket = (rate: { perSecond: number; burst: number }) => { T: number; bm: number };

/** Throws at the first call on which the gate and GCRA part. `bucket` can be replaced by a wrong one. */
export function followsGcra({ perSecond, burst, quota, calls }: Schedule, bucket: Bucket = bucketOf): void {
  const { T, bm } = bucket({ perSecond, burst });
  const model = gcraModel(T, burst, quota);
  const stored: GateItem = gateFixture({ limit: quota, k: { k1: keyFixture(undefined, { T, bm }) } });
  const gate = gateInMemory(stored);
  let now = NOON;
  for (const { gap, guess } of calls) {
    now += Math.round((gap * T) / 8);
    const expected = model.call(now);
    const actual = gate.call(now, guess);
    const label = expected === 'quota' ? 'quota' : 'denied' in expected ? expected.denied : 'allowed';
    const found = 'denied' in actual ? actual.denied : 'allowed';
    if (label !== found) throw new Error(`GCRA says ${label}, the gate ${found}`);
    if (
      expected !== 'quota' &&
      'retryAt' in expected &&
      'retryAt' in actual &&
      expected.retryAt !== actual.retryAt
    ) {
      throw new Error(`GCRA says again at ${expected.retryAt}, the gate at ${actual.retryAt}`);
    }
  }
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, n) => total + n, 0);
  const { m, u, k } = gate.gate();
  if (sum(m) !== model.used() || sum(u) !== model.used()) throw new Error('calls were miscounted');
  if (k['k1']?.tat !== model.tat()) throw new Error('the bucket is not where GCRA has it');
}
