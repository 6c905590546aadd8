import { describe, expect, it } from 'vitest';
import { allocate } from '../../../src/core/cost/allocate.ts';
import { streamedReport } from '../../../src/core/cost/report.ts';
import { ZERO } from '../../../src/core/decimal.ts';
import { floating, naive, problemsOf, type Reporter } from './adds-up.ts';
import { randomMonth, smallMonth } from './bills.ts';

const TRIALS = 500;
const BROKEN_TRIALS = 300;
const caught = (report: Reporter): number => {
  let count = 0;
  for (let seed = 0; seed < BROKEN_TRIALS; seed++)
    if (problemsOf(randomMonth(seed), report).length > 0) count++;
  return count;
};

describe('rows, columns and reasons add up to the bill', () => {
  it('in 500 random months of any size, exactly and in cents, by tenant, service and feature', () => {
    for (let seed = 0; seed < TRIALS; seed++)
      expect(problemsOf((seed % 2 === 0 ? smallMonth : randomMonth)(seed)), `seed ${seed}`).toEqual([]);
  });

  it('rows in cents are the rows without their exact amounts, margins too', () => {
    for (let seed = 0; seed < TRIALS / 2; seed++) {
      const { bill, tenants, ...input } = (seed % 2 === 0 ? smallMonth : randomMonth)(seed);
      const paid = tenants.filter((_, at) => at % 3 !== 0);
      const revenue = {
        month: bill.month,
        strangers: 0,
        tenants: paid.map(({ id }, at) => ({
          tenantId: id,
          currency: at === 2 ? 'CHF' : bill.currency,
          revenue: BigInt(seed * at),
          fees: BigInt(at),
        })),
      };
      const { rows, rowsInCents } = streamedReport({
        allocation: allocate({ bill, tenants, ...input }),
        bill,
        tenants,
        revenue,
        source: 'sample',
        by: 'tenant',
        tenant: null,
        queryCost: { requests: 0, amount: ZERO },
        notes: [],
      });
      const inCents = JSON.stringify([...rows], (name, value) => (name === 'exact' ? undefined : value));
      const rowsOf = JSON.stringify([...rowsInCents], (name, value) =>
        name === 'exact' ? undefined : value,
      );
      expect(rowsOf, `seed ${seed}`).toBe(inCents);
    }
  });

  it('is not so where every row is rounded by itself', () => {
    expect(caught(naive)).toBeGreaterThan(BROKEN_TRIALS / 2);
  });

  it('is not so with floating-point amounts', () => {
    expect(caught(floating)).toBeGreaterThan(BROKEN_TRIALS / 4);
  });
});
