import type { CostTenant } from './types.ts';

/** Whether one was a tenant at any time of the month `yyyy-mm`. */
export function presence(month: string): (tenant: CostTenant) => boolean {
  const { from, to } = monthRange(month);
  return ({ createdAt, deletedAt }) => createdAt < to && (deletedAt === null || deletedAt >= from);
}

/** ISO-8601: its first moment, and that of the next month. */
export function monthRange(month: string): { from: string; to: string } {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return {
    from: new Date(Date.UTC(year, number - 1)).toISOString(),
    to: new Date(Date.UTC(year, number)).toISOString(),
  };
}
