import type { TenantMutation } from '../../core/mutation.ts';
import { goOnWith } from '../../core/tenants/operation.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import type { Column, Result } from '../../ui/result.ts';
import type { Context } from '../context.ts';

const amount = (limit: number | null): string => (limit === null ? 'unlimited' : String(limit));

export const tenantColumns: Column<Tenant>[] = [
  { header: 'id', value: ({ id }) => id },
  { header: 'name', value: ({ name }) => name },
  { header: 'plan', value: ({ plan }) => plan },
  {
    header: 'status',
    value: ({ status }) => status,
    paint: (text, { status }, paint) =>
      status === 'active' ? paint.green(text) : status === 'failed' ? paint.red(text) : paint.yellow(text),
  },
  { header: 'isolation', value: ({ isolation }) => isolation },
  { header: 'calls/month', value: ({ limits }) => amount(limits.apiCallsPerMonth) },
  { header: 'created', value: ({ createdAt }) => createdAt },
];

/** Where a silo answers. */
export const apiColumn: Column<Tenant> = { header: 'api', value: ({ apiUrl }) => apiUrl };

const detailFields: Column<Tenant>[] = [
  ...tenantColumns.slice(0, -2),
  { header: 'failure', value: ({ failure }) => failure && `step ${failure.step}: ${failure.error}` },
  { header: 'failed at', value: ({ failure }) => failure?.at ?? null },
  {
    header: 'at work',
    value: ({ operation }) => operation && `${operation.actor}, since ${operation.startedAt}`,
  },
  { header: 'go on with', value: goOnWith },
  apiColumn,
  { header: 'calls/month', value: ({ limits }) => amount(limits.apiCallsPerMonth) },
  { header: 'storage bytes', value: ({ limits }) => amount(limits.storageBytes) },
  { header: 'users', value: ({ limits }) => amount(limits.maxUsers) },
  {
    header: 'rate',
    value: ({ rate }) => (rate.perSecond === null ? 'unlimited' : `${rate.perSecond}/s, burst ${rate.burst}`),
  },
  { header: 'lease', value: ({ lease }) => lease },
  { header: 'overage', value: ({ overage }) => overage },
  { header: 'stripe customer', value: ({ stripeCustomerId }) => stripeCustomerId },
  { header: 'billed from', value: ({ billFrom }) => billFrom },
  { header: 'created', value: ({ createdAt }) => createdAt },
  { header: 'updated', value: ({ updatedAt }) => updatedAt },
];

export const tenantResult = (tenant: Tenant): Result<Tenant> => ({
  kind: 'one',
  item: tenant,
  id: tenant.id,
  fields: detailFields,
});

/** A mutation's tenant with its outcome, and with `more` for those who read JSON. */
export async function printOutcome(
  cx: Context,
  { mutation, planned }: { mutation: TenantMutation; planned: boolean },
  more: Record<string, unknown> = {},
) {
  const outcome = planned ? 'planned' : mutation.outcome;
  await cx.print<Tenant & { outcome: string }>({
    kind: 'one',
    item: { ...mutation.after, outcome, ...more },
    id: mutation.tenantId,
    fields: [{ header: 'outcome', value: () => outcome }, ...detailFields],
  });
}
