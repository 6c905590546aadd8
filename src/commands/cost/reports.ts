import { type By, type ReportInput, type StreamedReport, streamedReport } from '../../core/cost/report.ts';
import type { Gathered } from './gather.ts';

/** What was gathered as reports, one a month, in one view; each is made when it is asked for. */
export function* reportsOf(gathered: Gathered, by: By, tenant: string | null): Generator<StreamedReport> {
  const { tenants, sourceName: source, queryCost, notes } = gathered;
  for (const { bill, allocation, revenue } of gathered.months) {
    const month: Omit<ReportInput, 'allocation'> = {
      bill,
      revenue,
      tenants,
      source,
      by,
      tenant,
      queryCost,
      notes,
    };
    yield streamedReport({ ...month, allocation: allocation() });
  }
}
