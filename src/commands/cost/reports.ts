import { type By, type CostReport, costReport } from '../../core/cost/report.ts';
import type { Gathered } from './gather.ts';

/** What was gathered as reports, one a month, in one view; each is made when it is asked for. */
export function* reportsOf(gathered: Gathered, by: By, tenant: string | null): Generator<CostReport> {
  const { tenants, sourceName: source, queryCost, notes } = gathered;
  for (const { bill, allocation: make, revenue } of gathered.months) {
    const allocation = make();
    yield costReport({ allocation, bill, revenue, tenants, source, by, tenant, queryCost, notes });
  }
}
