import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { SaasctlError } from '../../core/errors.ts';

const TENANT = 'saasctl_tenant';
/** Of a customer's invoices and subscriptions, so many are read. */
const MOST = 1000;

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
  const [closedUntil, subscriptions] = await Promise.all([
    lastClosed(api, customer),
    api.subscriptions.list({ customer, status: 'all', limit: 100 }).autoPagingToArray({ limit: MOST }),
  ]);
  const ends = subscriptions.map(({ ended_at: at }) => at);
  const ended = ends.filter((at) => at !== null);
  return {
    closedUntil,
    endedAt: ended.length === 0 || ended.length < ends.length ? null : Math.max(...ended),
  };
}

/** Customers of whom a subscription ended since then, epoch seconds: one list, however many customers there are. */
export async function endedSince(api: Stripe, since: number): Promise<Set<string>> {
  const customers = new Set<string>();
  const events = api.events.list({
    type: 'customer.subscription.deleted',
    created: { gte: since },
    limit: 100,
  });
  for await (const { data } of events) {
    const { customer } = data.object as Stripe.Subscription;
    customers.add(typeof customer === 'string' ? customer : customer.id);
  }
  return customers;
}

/** Only these bill a period of usage; one written by hand, or for an upgrade, closes nothing. */
const OF_PERIODS = new Set<string | null>(['subscription_cycle', 'subscription_create']);

/** A void or uncollectible invoice has closed its period, too: usage in it is on no later one. */
async function lastClosed(api: Stripe, customer: string): Promise<number | null> {
  let until: number | null = null;
  let seen = 0;
  // The newest first: none that is older than where we stand can reach further.
  for await (const one of api.invoices.list({ customer, limit: 100 })) {
    if (++seen > MOST || (until !== null && one.created < until)) break;
    const isOfPeriod = OF_PERIODS.has(one.billing_reason) && one.parent?.type === 'subscription_details';
    if (isOfPeriod && one.status !== 'draft') until = Math.max(until ?? 0, one.period_end);
  }
  return until;
}

const several = (tenantId: string, found: readonly { id: string }[]): SaasctlError =>
  new SaasctlError({
    code: 'several_customers',
    category: 'conflict',
    message: `Stripe has several customers of ${tenantId}: ${found.map(({ id }) => id).join(', ')}`,
    hint: 'nothing was linked: say which one is billed',
    next: `saasctl tenant update ${tenantId} --stripe-customer ${found[0]?.id ?? 'cus_…'}`,
  });
