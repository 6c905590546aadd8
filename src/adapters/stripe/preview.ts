import Stripe from 'stripe';
import type { InvoiceLine, InvoicePreview, Money } from '../../core/billing/stripe-account.ts';
import {
  addDecimals,
  type Decimal,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  rounded,
  ZERO,
} from '../../core/decimal.ts';

/** What a customer's next invoice carries so far, by Stripe's own figures; `null` where no invoice is coming. */
export async function previewInvoice(api: Stripe, customer: string): Promise<InvoicePreview | null> {
  try {
    const invoice = await api.invoices.createPreview({ customer });
    const { currency } = invoice;
    const lines = invoice.lines.data.map((line) => ({ line: lineOf(line), exact: exactOf(line) }));
    const exact = lines.reduce((sum, one) => addDecimals(sum, one.exact), ZERO);
    return {
      customer,
      currency,
      total: money(invoice.total, currency, invoice.lines.has_more ? whole(invoice.total) : exact),
      periodStart: isoTime(invoice.period_start),
      periodEnd: isoTime(invoice.period_end),
      lines: lines.map(({ line }) => line),
    };
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError && error.code === 'invoice_upcoming_none') return null;
    throw error;
  }
}

function lineOf(line: Stripe.InvoiceLineItem): InvoiceLine {
  const { description, quantity, quantity_decimal: precise, amount, currency, period } = line;
  return {
    description: description ?? '',
    quantity: precise?.toString() ?? (quantity === null ? null : String(quantity)),
    amount: money(amount, currency, exactOf(line)),
    periodStart: isoTime(period.start),
    periodEnd: isoTime(period.end),
  };
}

/** Quantity × price, as long as that is what the line was rounded from; else the amount itself. */
function exactOf({ amount, quantity, quantity_decimal: precise, pricing }: Stripe.InvoiceLineItem): Decimal {
  const units = parseDecimal(precise?.toString() ?? String(quantity ?? ''));
  const price = parseDecimal(pricing?.unit_amount_decimal?.toString() ?? '');
  if (units === null || price === null) return whole(amount);
  const product = multiplyDecimals(units, price);
  return rounded(product) === BigInt(amount) ? product : whole(amount);
}

const whole = (amount: number): Decimal => ({ units: BigInt(amount), scale: 0 });

const money = (minor: number, currency: string, exact: Decimal): Money => ({
  minor,
  currency,
  exact: formatDecimal(exact),
});

const isoTime = (time: number): string => new Date(time * 1000).toISOString();
