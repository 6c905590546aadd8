import { createHash } from 'node:crypto';
import Stripe from 'stripe';
import type { Meter, SinkProblem } from '../../core/billing/sink.ts';
import type { SetupStep } from '../../core/billing/stripe-account.ts';
import { SaasctlError, usageError } from '../../core/errors.ts';
import { stripeError } from './errors.ts';
import { CUSTOMER_KEY, meterProblem, metersByEvent, SETUP, VALUE_KEY } from './meters.ts';

/** What a plan charges for a metric, as `billing.prices` states it; amounts are decimals in minor units. */
export interface PriceTerms {
  currency: string;
  unitAmount?: string | undefined;
  /** Graduated. The last one is open: `upTo` `null`. */
  tiers?: readonly { upTo: number | null; unitAmount: string; flatAmount?: string | undefined }[] | undefined;
}

export interface SetupWanted {
  meters: readonly Meter[];
  /** Plan → metric → terms. */
  prices: Readonly<Record<string, Readonly<Record<string, PriceTerms>>>>;
}

const CONTENT = 'saasctl_terms';
const METRIC = 'saasctl_metric';
const PLAN = 'saasctl_plan';
/** As many lookup keys as one request takes. */
const KEYS_AT_ONCE = 10;

/** A plan's metric that is charged for: of it come one product and one price. */
interface Offer {
  plan: string;
  metric: string;
  terms: PriceTerms;
  name: string;
  /** Product id and lookup key: the same at every run. */
  key: string;
}

const offersOf = ({ prices }: SetupWanted): Offer[] =>
  Object.entries(prices).flatMap(([plan, metrics]) =>
    Object.entries(metrics).map(([metric, terms]) => ({
      plan,
      metric,
      terms,
      name: `${plan}/${metric}`,
      key: `saasctl_${plan}_${metric}`,
    })),
  );

/**
 * What is there and what is missing at Stripe. Reads only. A price's terms never change there: for other ones, a new
 * price takes the lookup key (`replace`), and those who have subscribed keep the old one.
 * Throws `meter_formula`, `meter_window`, `meter_mapping` or `price_without_meter` (config), or what Stripe said.
 */
export async function planStripeSetup(api: Stripe, wanted: SetupWanted): Promise<SetupStep[]> {
  const offers = offersOf(wanted);
  const keys = offers.map(({ key }) => key);
  const [byEvent, products, prices] = await Promise.all([
    metersByEvent(api),
    productsById(api, keys),
    pricesByKey(api, keys),
  ]);
  const meterIds = new Map<string, string | null>();
  const steps = wanted.meters.map((meter): SetupStep => {
    const found = byEvent.get(meter.eventName);
    const problem = meterProblem(meter, found);
    const action = problem === null ? 'none' : MENDED[problem.code];
    if (action === undefined) throw unusable(problem);
    const id = found?.id ?? null;
    meterIds.set(meter.metric, id);
    return { kind: 'meter', name: meter.eventName, action, id, detail: `sum of ${meter.metric}` };
  });
  const offered = offers.flatMap((offer): SetupStep[] => {
    const { name, metric, plan, terms, key } = offer;
    const meterId = meterIds.get(metric);
    if (meterId === undefined) throw unmetered(offer);
    const product = products.get(key);
    const price = prices.get(key);
    const isSame =
      price?.active === true &&
      price.metadata[CONTENT] === contentOf(terms) &&
      price.recurring?.meter === meterId;
    return [
      {
        kind: 'product',
        name,
        action: product === undefined ? 'create' : product.active ? 'none' : 'activate',
        id: product?.id ?? null,
        detail: `${metric} (${plan})`,
      },
      {
        kind: 'price',
        name,
        action: price === undefined ? 'create' : isSame ? 'none' : 'replace',
        id: price?.id ?? null,
        detail: worded(terms),
      },
    ];
  });
  return [...steps, ...offered];
}

/** What the setup does about a meter that cannot be used as it is; about all others, people must. */
const MENDED: Readonly<Record<string, SetupStep['action']>> = {
  meter_missing: 'create',
  meter_inactive: 'activate',
};

/** Carries a plan out, step by step, and returns it with the ids. Run again after a failure, it goes on where it was. */
export async function applyStripeSetup(
  api: Stripe,
  wanted: SetupWanted,
  steps: readonly SetupStep[],
  url: string | null,
): Promise<SetupStep[]> {
  const done: SetupStep[] = [];
  const offers = new Map(offersOf(wanted).map((offer) => [offer.name, offer]));
  const idOf = (kind: SetupStep['kind'], name: string): string =>
    done.find((one) => one.kind === kind && one.name === name)?.id ?? '';

  async function carriedOut({ kind, name, id, action }: SetupStep): Promise<string | null> {
    if (action === 'none') return id;
    if (kind === 'meter') {
      return id === null ? createMeter(api, name) : (await api.billing.meters.reactivate(id)).id;
    }
    if (kind === 'product' && id !== null) return (await api.products.update(id, { active: true })).id;
    const offer = offers.get(name);
    if (offer === undefined) throw new Error(`no price is configured for ${name}`);
    if (kind === 'product') return createProduct(api, offer);
    const eventName = wanted.meters.find(({ metric }) => metric === offer.metric)?.eventName ?? '';
    return createPrice(api, offer, { meter: idOf('meter', eventName), product: idOf('product', name) });
  }

  for (const step of steps) {
    try {
      done.push({ ...step, id: await carriedOut(step) });
    } catch (error) {
      throw stripeError(error, `${step.action} the ${step.kind} ${step.name} at Stripe`, url);
    }
  }
  return done;
}

async function createMeter(api: Stripe, eventName: string): Promise<string> {
  try {
    const { id } = await api.billing.meters.create({
      display_name: eventName,
      event_name: eventName,
      default_aggregation: { formula: 'sum' },
      customer_mapping: { type: 'by_id', event_payload_key: CUSTOMER_KEY },
      value_settings: { event_payload_key: VALUE_KEY },
    });
    return id;
  } catch (error) {
    // A setup at the same time was faster: Stripe has one active meter to an event name.
    const id = isTaken(error) ? (await metersByEvent(api)).get(eventName)?.id : undefined;
    if (id === undefined) throw error;
    return id;
  }
}

async function createProduct(api: Stripe, { key, plan, metric }: Offer): Promise<string> {
  try {
    const { id } = await api.products.create({
      id: key,
      name: `${metric} (${plan})`,
      metadata: { [PLAN]: plan, [METRIC]: metric },
    });
    return id;
  } catch (error) {
    if (isTaken(error)) return key;
    throw error;
  }
}

async function createPrice(
  api: Stripe,
  { key, plan, metric, terms }: Offer,
  { meter, product }: { meter: string; product: string },
): Promise<string> {
  const decimal = Stripe.Decimal.from;
  const { currency, unitAmount, tiers } = terms;
  const { id } = await api.prices.create({
    product,
    currency,
    recurring: { interval: 'month', usage_type: 'metered', meter },
    lookup_key: key,
    transfer_lookup_key: true,
    metadata: { [PLAN]: plan, [METRIC]: metric, [CONTENT]: contentOf(terms) },
    ...(tiers === undefined
      ? { unit_amount_decimal: decimal(unitAmount ?? '0') }
      : {
          billing_scheme: 'tiered',
          tiers_mode: 'graduated',
          tiers: tiers.map(({ upTo, unitAmount: unit, flatAmount: flat }) => ({
            up_to: upTo ?? ('inf' as const),
            unit_amount_decimal: decimal(unit),
            ...(flat === undefined ? {} : { flat_amount_decimal: decimal(flat) }),
          })),
        }),
  });
  return id;
}

const isTaken = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeError && error.code === 'resource_already_exists';

async function productsById(api: Stripe, ids: readonly string[]): Promise<Map<string, Stripe.Product>> {
  const found = new Map<string, Stripe.Product>();
  for (const some of inTens(ids)) {
    for await (const product of api.products.list({ ids: some, limit: 100 })) found.set(product.id, product);
  }
  return found;
}

async function pricesByKey(api: Stripe, keys: readonly string[]): Promise<Map<string, Stripe.Price>> {
  const found = new Map<string, Stripe.Price>();
  for (const some of inTens(keys)) {
    for await (const price of api.prices.list({ lookup_keys: some, limit: 100 })) {
      if (price.lookup_key !== null) found.set(price.lookup_key, price);
    }
  }
  return found;
}

const inTens = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / KEYS_AT_ONCE) }, (_, at) =>
    all.slice(at * KEYS_AT_ONCE, (at + 1) * KEYS_AT_ONCE),
  );

/** Names the terms, however they are written down. */
function contentOf({ currency, unitAmount, tiers }: PriceTerms): string {
  const content = [
    currency,
    unitAmount ?? null,
    (tiers ?? []).map(({ upTo, unitAmount: unit, flatAmount: flat }) => [upTo, unit, flat ?? null]),
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
}

const worded = ({ currency, unitAmount, tiers }: PriceTerms): string =>
  tiers === undefined
    ? `${unitAmount ?? '0'} ${currency} minor units a unit`
    : `${tiers.length} tiers, ${currency}`;

const unusable = (problem: SinkProblem | null): SaasctlError =>
  new SaasctlError({
    code: problem?.code ?? 'meter_unusable',
    category: 'config',
    message: problem?.message ?? 'a meter cannot be used',
    hint: problem?.hint ?? undefined,
    next: problem?.next ?? undefined,
  });

const unmetered = ({ plan, metric }: Offer): SaasctlError =>
  usageError('price_without_meter', `plan ${plan} has a price for ${metric}, which has no meter`, {
    hint: `a metered price needs one: add ${metric} to "billing"."meters" in saasctl.json`,
    next: `${SETUP} --dry-run`,
  });
