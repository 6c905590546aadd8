import {
  addDecimals,
  type Decimal,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  rounded,
  ZERO,
} from '../../core/decimal.ts';
import { answered, listPage, missing, noSuch, onlyKnown, Refusal } from './answer.ts';
import { knownCustomer, livingCustomer } from './customers.ts';
import { textOf } from './form.ts';
import { type Call, type Decision, type Price, type Subscription, seconds, type World } from './state.ts';
import { periodOf } from './subscriptions.ts';
import { aggregate, eventsOf } from './summaries.ts';

/** An invoice stays a draft, which late usage still reaches, for this long after its period. */
const DRAFT_S = 3600;

/** `POST /v1/invoices/create_preview`: what the running period of a customer's subscriptions carries so far. */
export function previewInvoice(world: World, { params, now, lagMs }: Call): Decision {
  onlyKnown(params, ['customer', 'subscription', 'preview_mode', 'currency']);
  const named = textOf(params, 'subscription');
  const customer = textOf(params, 'customer') ?? world.subscriptions.get(named ?? '')?.customer ?? null;
  if (customer === null) throw missing('customer');
  livingCustomer(world, customer, 'customer', 400);
  if (named !== null && !world.subscriptions.has(named))
    throw noSuch('subscription', named, 'subscription', 400);
  const subscription = [...world.subscriptions.values()].find(
    (one) => one.customer === customer && one.status === 'active' && (named === null || one.id === named),
  );
  if (subscription === undefined) {
    throw new Refusal({
      status: 404,
      code: 'invoice_upcoming_none',
      message: `No upcoming invoices for customer: ${customer}`,
    });
  }
  const period = periodOf(subscription, seconds(now));
  return { answer: answered(invoice(world, subscription, period, 'draft', now - lagMs)) };
}

/** `GET /v1/invoices`: one for each period that has passed: a draft for an hour, then final. */
export function listInvoices(world: World, { params, path, now }: Call): Decision {
  onlyKnown(params, [
    'customer',
    'subscription',
    'status',
    'limit',
    'starting_after',
    'ending_before',
    'created',
  ]);
  const [customer, subscription, status] = ['customer', 'subscription', 'status'].map((name) =>
    textOf(params, name),
  );
  knownCustomer(world, customer ?? null);
  const found = [...world.subscriptions.values()]
    .filter((one) => customer === null || one.customer === customer)
    .filter((one) => subscription === null || one.id === subscription)
    .flatMap((one) => pastInvoices(world, one, now))
    .filter((one) => status === null || one.status === status)
    .sort((a, b) => a.created - b.created);
  return { answer: listPage(params, path, found) };
}

function pastInvoices(world: World, subscription: Subscription, now: number) {
  const at = seconds(now);
  const invoices = [];
  for (let from = subscription.start_date; from < at; ) {
    const { start, end } = periodOf(subscription, from);
    // The tail of a cancelled subscription is billed only where the cancellation asked for it.
    if (end > (subscription.ended_at ?? at) || end > at) break;
    const isFinal = at >= end + DRAFT_S;
    const known = isFinal ? (end + DRAFT_S) * 1000 : now;
    invoices.push(invoice(world, subscription, { start, end }, isFinal ? 'paid' : 'draft', known));
    from = end;
  }
  return invoices;
}

/** `known`: what had come by then counts, epoch ms. */
function invoice(
  world: World,
  subscription: Subscription,
  period: { start: number; end: number },
  status: 'draft' | 'paid',
  known: number,
) {
  const { id, customer, currency } = subscription;
  const lines = subscription.items.flatMap((item) => {
    const price = world.prices.get(item.price);
    const meter = world.meters.get(price?.recurring?.meter ?? '');
    if (price === undefined || meter === undefined) return [];
    const usage = aggregate(meter, eventsOf(world, meter, customer, period.start, period.end, known));
    // A negative period is billed as nothing.
    return charges(price, usage.units < 0n ? ZERO : usage).map((charge, tier) => ({
      id: `il_${item.id}_${period.start}_${tier}`,
      object: 'line_item',
      amount: Number(rounded(charge.amount)),
      currency,
      description: `${formatDecimal(charge.quantity)} × ${world.products.get(price.product)?.name ?? price.product}${charge.label}`,
      discount_amounts: [],
      discountable: true,
      discounts: [],
      livemode: world.live,
      metadata: item.metadata,
      parent: {
        invoice_item_details: null,
        subscription_item_details: {
          invoice_item: null,
          proration: false,
          proration_details: { credited_items: null },
          subscription: id,
          subscription_item: item.id,
        },
        type: 'subscription_item_details',
      },
      period,
      pretax_credit_amounts: [],
      pricing: {
        price_details: { price: price.id, product: price.product },
        type: 'price_details',
        unit_amount_decimal: charge.unitAmount,
      },
      quantity: Number(charge.quantity.units / 10n ** BigInt(charge.quantity.scale)),
      quantity_decimal: formatDecimal(charge.quantity),
      subtotal: Number(rounded(charge.amount)),
      taxes: [],
    }));
  });
  const total = lines.reduce((sum, { amount }) => sum + amount, 0);
  return {
    id: `in_${id}_${period.start}`,
    object: 'invoice',
    amount_due: total,
    billing_reason: 'subscription_cycle',
    created: period.end,
    currency,
    customer,
    lines: {
      object: 'list',
      data: lines,
      has_more: false,
      url: `/v1/invoices/in_${id}_${period.start}/lines`,
    },
    livemode: world.live,
    parent: {
      quote_details: null,
      subscription_details: { metadata: {}, subscription: id },
      type: 'subscription_details',
    },
    period_end: period.end,
    period_start: period.start,
    status,
    status_transitions: { finalized_at: status === 'paid' ? period.end + DRAFT_S : null },
    subtotal: total,
    total,
  };
}

interface Charge {
  quantity: Decimal;
  amount: Decimal;
  unitAmount: string | null;
  label: string;
}

/** A graduated price charges each tier by itself, a volume price all units at the tier that the total reaches. */
function charges(price: Price, usage: Decimal): Charge[] {
  if (price.tiers === undefined) {
    const unit = parseDecimal(price.unit_amount_decimal ?? '0') ?? ZERO;
    return [
      {
        quantity: usage,
        amount: multiplyDecimals(usage, unit),
        unitAmount: price.unit_amount_decimal,
        label: '',
      },
    ];
  }
  const charged: Charge[] = [];
  let from = ZERO;
  for (const [at, tier] of price.tiers.entries()) {
    const upTo: Decimal | null = tier.up_to === null ? null : { units: BigInt(tier.up_to), scale: 0 };
    const isReached = upTo === null || compare(usage, upTo) <= 0;
    const graduated = price.tiers_mode === 'graduated';
    if (graduated || isReached) {
      const top = isReached || upTo === null ? usage : upTo;
      const quantity = graduated ? addDecimals(top, { ...from, units: -from.units }) : usage;
      const unit = parseDecimal(tier.unit_amount_decimal ?? '0') ?? ZERO;
      charged.push({
        quantity,
        amount: multiplyDecimals(quantity, unit),
        unitAmount: tier.unit_amount_decimal,
        label: ` (Tier ${at + 1} at ${tier.unit_amount_decimal ?? '0'})`,
      });
      const flat = parseDecimal(tier.flat_amount_decimal ?? '0') ?? ZERO;
      if (flat.units !== 0n) {
        const label = ` (Tier ${at + 1} flat fee)`;
        charged.push({ quantity: ONE, amount: flat, unitAmount: tier.flat_amount_decimal, label });
      }
    }
    if (isReached) break;
    from = upTo;
  }
  return charged;
}

const ONE: Decimal = { units: 1n, scale: 0 };

const compare = (a: Decimal, b: Decimal): number => {
  const { units } = addDecimals(a, { ...b, units: -b.units });
  return units < 0n ? -1 : units > 0n ? 1 : 0;
};
