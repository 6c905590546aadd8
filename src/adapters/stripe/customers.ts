import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { SaasctlError } from '../../core/errors.ts';

const TENANT = 'saasctl_tenant';

/**
 * The customer of a tenant at Stripe, found by its metadata or made. A run soon after one that failed finds the same
 * customer by the idempotency key, later ones by the search, which lags by up to a minute.
 * Throws `several_customers` (conflict), or what Stripe said.
 */
export async function customerFor(
  api: Stripe,
  { tenantId, name }: { tenantId: string; name: string },
): Promise<{ customer: string; created: boolean }> {
  const query = `metadata["${TENANT}"]:"${tenantId}"`;
  const { data } = await api.customers.search({ query, limit: 2 });
  if (data.length > 1) throw several(tenantId, data);
  const [found] = data;
  if (found !== undefined) return { customer: found.id, created: false };
  const fields = { name, metadata: { [TENANT]: tenantId } };
  const idempotencyKey = `saasctl-customer-${createHash('sha256').update(JSON.stringify(fields)).digest('hex')}`;
  const { id } = await api.customers.create(fields, { idempotencyKey });
  return { customer: id, created: true };
}

/**
 * Where a customer's billing stands, epoch seconds: before `closedUntil` usage falls into invoices that are final;
 * `endedAt`: when the last of the subscriptions ended. `null` where there is none.
 */
export async function billingPeriods(
  api: Stripe,
  customer: string,
): Promise<{ closedUntil: number | null; endedAt: number | null }> {
  const [invoices, subscriptions] = await Promise.all([
    api.invoices.list({ customer, limit: 100 }),
    api.subscriptions.list({ customer, status: 'all', limit: 100 }),
  ]);
  const closed = invoices.data.filter(({ status }) => status !== 'draft').map((one) => one.period_end);
  const ends = subscriptions.data.map(({ ended_at: at }) => at);
  const ended = ends.filter((at) => at !== null);
  return {
    closedUntil: closed.length === 0 ? null : Math.max(...closed),
    endedAt: ended.length === 0 || ended.length < ends.length ? null : Math.max(...ended),
  };
}

const several = (tenantId: string, found: readonly { id: string }[]): SaasctlError =>
  new SaasctlError({
    code: 'several_customers',
    category: 'conflict',
    message: `Stripe has several customers of ${tenantId}: ${found.map(({ id }) => id).join(', ')}`,
    hint: 'nothing was linked: say which one is billed',
    next: `saasctl tenant update ${tenantId} --stripe-customer ${found[0]?.id ?? 'cus_…'}`,
  });
