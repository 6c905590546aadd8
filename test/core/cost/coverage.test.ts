import { expect, it } from 'vitest';
import { allocate } from '../../../src/core/cost/allocate.ts';
import { coverageOf, exceedsUnallocated } from '../../../src/core/cost/coverage.ts';
import { DEFAULT_POLICY } from '../../../src/core/cost/drivers.ts';
import { bill, dec, line, tenant } from './bills.ts';

const month = (carried: string, nobody: string) =>
  allocate({
    bill: bill([line(carried, { tenantTag: 'acme' }), line(nobody, { tenantTag: 'gone' })]),
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
