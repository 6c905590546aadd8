import type Stripe from 'stripe';
import { SaasctlError } from '../../core/errors.ts';
import { stripeError } from '../stripe/errors.ts';
import { type Amount, type InvoicedLine, portion } from './revenue-months.ts';

/** Epoch seconds, the end not included. */
export interface Span {
  from: number;
  to: number;
}

interface ListPage<T> {
  data: T[];
  has_more: boolean;
}

const PAGE = 100;
const TRIES = 4;
const PAUSE_MS = 500;
/** Charges asked about at a time: Stripe takes a hundred reads a second. */
const ASKED = 10;
/** How long before its payment most invoices were made. */
const DUE_SECONDS = 90 * 86_400;

export interface Reader {
  api: Stripe;
  /** Of a stand-in; `null` for Stripe itself. */
  url: string | null;
  pause(ms: number): Promise<void>;
}

/** Every item of a list. A read may be sent again: one that failed on the way is, a few times. */
async function* all<T extends { id: string }>(
  reader: Reader,
  doing: string,
  page: (after: { starting_after?: string }) => Promise<ListPage<T>>,
): AsyncGenerator<T> {
  let last: string | undefined;
  for (;;) {
    const { data, has_more: more } = await retried(reader, doing, () =>
      page(last === undefined ? {} : { starting_after: last }),
    );
    yield* data;
    last = data.at(-1)?.id;
    if (!more || last === undefined) return;
  }
}

async function retried<T>({ pause, url }: Reader, doing: string, send: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (thrown) {
      const error = stripeError(thrown, doing, url);
      if (!error.retryable || tries === TRIES) throw forbidden(error);
      await pause(PAUSE_MS * 2 ** (tries - 1));
    }
  }
}

/** Says which rights reading revenue needs. */
function forbidden(error: SaasctlError): SaasctlError {
  if (error.code !== 'stripe_forbidden') return error;
  return new SaasctlError({
    code: error.code,
    category: error.category,
    message: error.message,
    hint: 'revenue needs a restricted key that may read Invoices, Credit notes, Invoice payments and Balance',
    next: error.next ?? undefined,
    cause: error,
  });
}

/** What was invoiced: lines by the invoice's month of making; `settled`: none of them can change any more. */
export interface Invoiced {
  created: number;
  settled: boolean;
  lines: InvoicedLine[];
}

/** Invoices made in a span, drafts, void and uncollectible ones left out of the lines. */
export async function* invoices(reader: Reader, { from, to }: Span): AsyncGenerator<Invoiced> {
  const { api } = reader;
  const list = all(reader, 'list invoices at Stripe', (after) =>
    api.invoices.list({ created: { gte: from, lt: to }, limit: PAGE, ...after }),
  );
  for await (const invoice of list) {
    const customer = idOf(invoice.customer);
    const { status, created } = invoice;
    const counts = customer !== null && (status === 'paid' || status === 'open');
    const lines = counts ? await linesOf(reader, invoice, customer) : [];
    yield { created, settled: status === 'paid' || status === 'void', lines };
  }
}

async function linesOf(reader: Reader, invoice: Stripe.Invoice, customer: string): Promise<InvoicedLine[]> {
  const { id, currency, total_excluding_tax: net, total } = invoice;
  const items = [...invoice.lines.data];
  if (invoice.lines.has_more) {
    items.length = 0;
    const more = all(reader, `list the lines of ${id} at Stripe`, (after) =>
      reader.api.invoices.listLineItems(id, { limit: PAGE, ...after }),
    );
    for await (const item of more) items.push(item);
  }
  const lines = items.map((item) => ({
    customer,
    currency: currency.toUpperCase(),
    minor: BigInt(item.amount) - sumOf(item.discount_amounts) - sumOf(inclusive(item.taxes)),
    from: item.period.start,
    to: item.period.end,
  }));
  // Shipping and the like: the lines are the invoice's own net, whatever they leave out.
  const rest = BigInt(net ?? total) - lines.reduce((sum, { minor }) => sum + minor, 0n);
  if (rest === 0n) return lines;
  const { start, end } = items[0]?.period ?? { start: invoice.created, end: invoice.created };
  return [...lines, { customer, currency: currency.toUpperCase(), minor: rest, from: start, to: end }];
}

const inclusive = (taxes: Stripe.InvoiceLineItem['taxes']) =>
  taxes?.filter(({ tax_behavior: behavior }) => behavior === 'inclusive') ?? null;
const sumOf = (parts: readonly { amount: number }[] | null): bigint =>
  (parts ?? []).reduce((sum, { amount }) => sum + BigInt(amount), 0n);
const idOf = (object: string | { id: string } | null | undefined): string | null =>
  typeof object === 'string' ? object : (object?.id ?? null);

/** What went back in a span, net of tax, and what Stripe kept of payments of invoices: revenue has no others. */
export interface Settled {
  returned: Amount[];
  fees: Amount[];
}

/** Fees by balance transactions; refunds and disputes by theirs; credit notes for what was not refunded. */
export async function settled(reader: Reader, { from, to }: Span): Promise<Settled> {
  const { api } = reader;
  const created = { gte: from, lt: to };
  const result: Settled = { returned: [], fees: [] };
  const doubtful: { charge: Stripe.Charge; currency: string; fee: number }[] = [];
  let known: Promise<ReadonlySet<string>> | undefined;
  const list = all(reader, 'list balance transactions at Stripe', (after) =>
    api.balanceTransactions.list({ created, limit: PAGE, expand: ['data.source'], ...after }),
  );
  for await (const transaction of list) {
    const { source, fee, currency } = transaction;
    if (source === null || typeof source === 'string') continue;
    if (source.object === 'charge') {
      const customer = idOf(source.customer);
      if (customer === null || fee === 0) continue;
      known ??= invoicePayments(reader, { from, to });
      if ((await known).has(idOf(source.payment_intent) ?? source.id))
        addTo(result.fees, customer, currency, BigInt(fee));
      else doubtful.push({ charge: source, currency, fee });
    } else if (source.object === 'refund' || source.object === 'dispute') {
      const invoice = await invoiceOf(reader, idOf(source.payment_intent));
      if (invoice === null) continue;
      addTo(result.fees, invoice.customer, currency, BigInt(fee));
      // A refund that failed, or a dispute that was won, comes back.
      const sign = transaction.amount <= 0 ? 1n : -1n;
      const net = portion(BigInt(source.amount), invoice.net, invoice.total);
      addTo(result.returned, invoice.customer, source.currency, sign * net);
    }
  }
  for (let at = 0; at < doubtful.length; at += ASKED)
    await Promise.all(
      doubtful.slice(at, at + ASKED).map(async ({ charge, currency, fee }) => {
        const invoice = await invoiceOf(reader, idOf(charge.payment_intent));
        if (invoice !== null) addTo(result.fees, idOf(charge.customer), currency, BigInt(fee));
      }),
    );
  const notes = all(reader, 'list credit notes at Stripe', (after) =>
    api.creditNotes.list({ created, limit: PAGE, ...after }),
  );
  for await (const note of notes) {
    if (note.status !== 'issued') continue;
    const refunded = note.refunds.reduce((sum, { amount_refunded: amount }) => sum + BigInt(amount), 0n);
    const total = BigInt(note.total);
    const net = portion(total - refunded, BigInt(note.total_excluding_tax ?? note.total), total);
    addTo(result.returned, idOf(note.customer), note.currency, net);
  }
  return result;
}

function addTo(amounts: Amount[], customer: string | null, currency: string, minor: bigint): void {
  if (customer === null || minor === 0n) return;
  amounts.push({ customer, currency: currency.toUpperCase(), minor });
}

/** What invoices of late were paid with; of a charge that is not among them, an older invoice may still be the reason. */
async function invoicePayments(reader: Reader, { from, to }: Span): Promise<ReadonlySet<string>> {
  const created = { gte: from - DUE_SECONDS, lt: to };
  const list = all(reader, 'list invoice payments at Stripe', (after) =>
    reader.api.invoicePayments.list({ created, limit: PAGE, ...after }),
  );
  const ids = new Set<string>();
  for await (const { payment } of list) ids.add(idOf(payment.payment_intent) ?? idOf(payment.charge) ?? '');
  return ids;
}

/** The invoice that a payment was for: what of it is tax, and whose it is; `null` where it was for none. */
async function invoiceOf(reader: Reader, paymentIntent: string | null) {
  if (paymentIntent === null) return null;
  const { data } = await retried(reader, 'find the invoice of a payment at Stripe', () =>
    reader.api.invoicePayments.list({
      payment: { type: 'payment_intent', payment_intent: paymentIntent },
      limit: 1,
      expand: ['data.invoice'],
    }),
  );
  const invoice = data[0]?.invoice;
  if (invoice === undefined || typeof invoice === 'string' || !('total' in invoice)) return null;
  const customer = idOf(invoice.customer);
  if (customer === null) return null;
  return {
    customer,
    total: BigInt(invoice.total),
    net: BigInt(invoice.total_excluding_tax ?? invoice.total),
  };
}
