import { expect, it } from 'vitest';
import { allocate } from '../../../src/core/cost/allocate.ts';
import { coverageOf, exceedsUnallocated } from '../../../src/core/cost/coverage.ts';
import { DEFAULT_POLICY } from '../../../src/core/cost/drivers.ts';
import type { CostLine } from '../../../src/core/cost/types.ts';
import { bill, dec, line, tenant } from './bills.ts';

const month = (carried: string, nobody: string, ...more: CostLine[]) =>
  allocate({
    bill: bill([line(carried, { tenantTag: 'acme' }), line(nobody, { tenantTag: 'gone' }), ...more]),
    tenants: [tenant('acme')],
    usage: new Map(),
    policy: DEFAULT_POLICY,
  });

it('a limit of what may be unallocated is held against exact amounts, not against the percent that is shown', () => {
  expect(coverageOf(month('95', '5')).unallocated).toBe(5);
  expect(exceedsUnallocated(month('95', '5'), dec('5'))).toBe(false);
  expect(coverageOf(month('94.999', '5')).unallocated).toBe(5);
  expect(exceedsUnallocated(month('94.999', '5'), dec('5'))).toBe(true);
  expect(exceedsUnallocated(month('94.999', '5'), dec('5.1'))).toBe(false);
});

it('a credit that nobody gets counts by its size, and a bill of nothing exceeds with anything', () => {
  expect(exceedsUnallocated(month('100', '-10'), dec('5'))).toBe(true);
  expect(exceedsUnallocated(month('5', '-5'), dec('100'))).toBe(true);
  expect(exceedsUnallocated(month('0', '0'), dec('0'))).toBe(false);
  expect(coverageOf(month('5', '-5')).unallocated).toBeNull();
});

it('cost of one service that nobody carries is not hidden by a credit of another', () => {
  const hidden = month('100', '60', line('-60', { tenantTag: 'gone', service: 'Amazon DynamoDB' }));
  expect(coverageOf(hidden).unallocated).toBe(0);
  expect(exceedsUnallocated(hidden, dec('119'))).toBe(true);
  expect(exceedsUnallocated(hidden, dec('120'))).toBe(false);
});
