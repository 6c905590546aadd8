import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf, type Rate } from '../../src/core/gate/layout.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { type Parts, play, worlds } from './sandboxes.ts';

const exact = worlds({ faults: false, lease: fc.constant(1) });
const exactFaulty = worlds({ faults: true, lease: fc.constant(1) });
const leased = worlds({ faults: false, lease: fc.integer({ min: 2, max: 20 }) });
const leasedFaulty = worlds({ faults: true, lease: fc.integer({ min: 2, max: 20 }) });

const holds = (world: typeof exact, numRuns: number) =>
  fc.assert(
    fc.asyncProperty(world, (one) => play(one)),
    { numRuns },
  );
const isCaught = async (world: typeof exact, broken: Parts) => {
  const property = fc.asyncProperty(world, (one) => play(one, broken));
  expect((await fc.check(property, { numRuns: 400, endOnFailure: true })).failed).toBe(true);
};

describe('sandboxes of one key, whose clocks differ by up to 10 s', () => {
  it('count exactly what they admit, never past the bound or the quota', () => holds(exact, 150));
  it('never bill twice when answers are lost and sandboxes die', () => holds(exactFaulty, 150));
  it('bill with leases exactly what they serve', () => holds(leased, 200));
  it('lose with leases no more than crashes and lost answers explain', () => holds(leasedFaulty, 200));
});

describe('these find a gate that', () => {
  const changing =
    (change: (body: Record<string, unknown>) => object) =>
    (wire: Wire): Wire => ({
      ...wire,
      send: (operation, body) => wire.send(operation, change(body as Record<string, unknown>)),
    });

  it('bills what a lease took instead of what it served', () =>
    isCaught(leased, {
      wire: changing((body) => {
        const values = { ...(body['ExpressionAttributeValues'] as Record<string, unknown>) };
        if (':take' in values && ':served' in values) values[':served'] = values[':take'];
        return { ...body, ExpressionAttributeValues: values };
      }),
    }));

  it('repeats what may have been applied', () =>
    isCaught(exactFaulty, {
      wire: (wire) => ({
        ...wire,
        async send(operation, body) {
          const reply = await wire.send(operation, body);
          return reply.kind === 'ambiguous' ? wire.send(operation, body) : reply;
        },
      }),
    }));

  it('puts a full bucket (burst − 1) · T back', () =>
    isCaught(worlds({ faults: false, lease: fc.constant(1) }), {
      bucket: (rate: Rate) => {
        const { T, bm } = bucketOf(rate);
        return { T, bm: T === 0 ? bm : bm + T };
      },
    }));
});
