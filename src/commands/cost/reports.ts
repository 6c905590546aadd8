import { type By, type CostReport, costReport } from '../../core/cost/report.ts';
import type { Gathered } from './gather.ts';

/** What was gathered as reports, one a month, in one view. */
export function reportsOf(gathered: Gathered, by: By, tenant: string | null): CostReport[] {
  const { tenants, sourceName: source, queryCost, notes } = gathered;
  return gathered.months.map(({ bill, allocation, revenue }) =>
    costReport({ allocation, bill, revenue, tenants, source, by, tenant, queryCost, notes }),
  );
}
