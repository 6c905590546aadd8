import type { InvoicePreview, Money } from '../../core/billing/stripe-account.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { dayOf, lastDayOf, monthOf } from '../../core/time.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';
import { amounts, billedMeters } from './billed.ts';

/** A meter's numbers over the days shown; integers of 10^-scale units. */
interface Metered {
  meter: string;
  counter: number;
  /** `null`, as below: without a key it is not known which account's ledger to read. */
  confirmed: number | null;
  /** Not yet at Stripe: the next sync sends it. */
  unsent: number | null;
}

interface Preview {
  tenantId: string;
  customer: string | null;
  /** Where the amounts come from: `null`, there are none. */
  source: 'stripe' | null;
  invoice: InvoicePreview | null;
  from: string;
  to: string;
  meters: Metered[];
  /** Why there is no invoice to show. */
  reason: string | null;
}

export function preview(host: Host) {
  const command = define('preview <id>', {
    summary: 'What a tenant’s next invoice will carry, by Stripe’s own figures, and what is not yet sent',
    details:
      'Without a key, a customer or a subscription it shows the metered usage alone, and says why.\nAmounts are exact, in the currency’s smallest unit, beside what the invoice rounds them to.',
    examples: ['usage preview acme', 'usage preview acme -o json --query invoice.total'],
    exits: [3],
  });
  return onRun(host, command, runPreview);
}

async function runPreview(cx: Context, id: string): Promise<void> {
  checkTenantId(id);
  const tenant = await existing((await cx.store()).tenant(id), id);
  const { invoice, reason } = await nextInvoice(cx, tenant);
  const month = monthOf(cx.now());
  const from = invoice === null ? `${month}-01` : invoice.periodStart.slice(0, 10);
  const to = invoice === null ? lastDayOf(month) : dayOf(Date.parse(invoice.periodEnd) - 1);
  const first = tenant.billFrom !== null && tenant.billFrom > from ? tenant.billFrom : from;
  const item: Preview = {
    tenantId: id,
    customer: tenant.stripeCustomerId,
    source: invoice === null ? null : 'stripe',
    invoice,
    from: first,
    to,
    meters: await metered(cx, id, first, to),
    reason,
  };
  await cx.print<Preview>({ kind: 'one', item, id, fields: await fieldsOf(cx, item) });
}

async function nextInvoice(
  cx: Context,
  { id, stripeCustomerId }: Tenant,
): Promise<{ invoice: InvoicePreview | null; reason: string | null }> {
  if (stripeCustomerId === null) {
    return { invoice: null, reason: `no customer is linked: saasctl tenant update ${id} --create-customer` };
  }
  const stripe = await keyless(cx.stripe());
  if (stripe === null) return { invoice: null, reason: 'there is no Stripe key: see STRIPE_API_KEY' };
  const invoice = await stripe.preview(stripeCustomerId);
  const reason = invoice === null ? `no invoice is coming: ${stripeCustomerId} has no subscription` : null;
  return { invoice, reason };
}

/** `null` where there is no key; a wrong one is still an error. */
async function keyless<T>(opened: Promise<T>): Promise<T | null> {
  return opened.catch((error: unknown) => {
    if (error instanceof SaasctlError && error.code === 'stripe_key_missing') return null;
    throw error;
  });
}

async function metered(cx: Context, tenantId: string, first: string, last: string): Promise<Metered[]> {
  const config = await cx.config();
  const meters = billedMeters(config);
  const { ledger: open } = await cx.backend();
  const sink = await keyless(cx.sink('stripe'));
  const { scopeOf } = await import('../../core/billing/sync.ts');
  const { ledgerOf } = await import('../../core/billing/reconcile.ts');
  const nobody = { stack: config.profile.stack, sink: 'stripe', account: '', mode: 'test' } as const;
  const scope = sink === null ? nobody : await scopeOf(sink, config.profile.stack);
  const rows = await ledgerOf(await open(), scope, meters, { tenantId, first, last });
  return meters.map(({ eventName }) => {
    const mine = rows.filter((row) => row.eventName === eventName);
    const sum = (of: (row: (typeof mine)[number]) => number): number =>
      mine.reduce((total, row) => total + of(row), 0);
    const counter = sum((row) => row.counter ?? 0);
    if (sink === null) return { meter: eventName, counter, confirmed: null, unsent: null };
    return {
      meter: eventName,
      counter,
      confirmed: sum((row) => row.confirmed),
      unsent: sum((row) => row.owed ?? 0),
    };
  });
}

async function fieldsOf(cx: Context, { invoice, meters, reason }: Preview): Promise<Column<Preview>[]> {
  const amount = amounts(billedMeters(await cx.config()));
  return [
    { header: 'tenant', value: ({ tenantId }) => tenantId },
    { header: 'customer', value: ({ customer }) => customer },
    { header: 'days', value: ({ from, to }) => `${from} to ${to}` },
    ...meters.map(({ meter, counter, confirmed, unsent }) => ({
      header: meter,
      value: () =>
        confirmed === null
          ? `${amount(meter, counter)} used`
          : `${amount(meter, counter)} used, ${amount(meter, confirmed)} sent, ${amount(meter, unsent)} not yet sent`,
    })),
    ...(invoice?.lines ?? []).map((line) => ({ header: line.description, value: () => worded(line.amount) })),
    ...(invoice === null
      ? [{ header: 'invoice', value: () => reason }]
      : [{ header: 'next invoice', value: () => worded(invoice.total) }]),
  ];
}

const worded = ({ minor, currency, exact }: Money): string =>
  `${minor} ${currency.toUpperCase()} (smallest units)${exact === String(minor) ? '' : `, exactly ${exact}`}`;
