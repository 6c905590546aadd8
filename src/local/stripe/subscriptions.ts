import { answered, invalid, listPage, missing, noSuch, onlyKnown, required, wholeOf } from './answer.ts';
import { knownCustomer, livingCustomer } from './customers.ts';
import { entriesOf, type Form, fieldsOf, textOf, textsOf } from './form.ts';
import { type Call, type Decision, type Subscription, seconds, type World } from './state.ts';

/** `/v1/subscriptions`: create, retrieve, list, cancel. All of them are monthly, and none has trials or prorations. */
export function createSubscription(world: World, { params, id, now }: Call): Decision {
  onlyKnown(params, [
    'customer',
    'items',
    'metadata',
    'billing_cycle_anchor',
    'billing_cycle_anchor_config',
    'backdate_start_date',
    'collection_method',
    'currency',
    'payment_behavior',
    'proration_behavior',
  ]);
  const customer = livingCustomer(world, required(params, 'customer'), 'customer', 400);
  const stated = entriesOf(params, 'items').filter((item): item is Form => typeof item === 'object');
  if (stated.length === 0) throw missing('items');
  const items = stated.map((item, at) => {
    const price = required(item, 'price');
    if (!world.prices.has(price)) throw noSuch('price', price, `items[${at}][price]`, 400);
    return { id: id('si'), price, created: seconds(now), metadata: textsOf(item, 'metadata') };
  });
  const started = wholeOf(params, 'backdate_start_date') ?? seconds(now);
  const subscription: Subscription = {
    id: id('sub'),
    object: 'subscription',
    billing_cycle_anchor: anchorOf(params, started),
    cancel_at_period_end: false,
    canceled_at: null,
    collection_method: 'charge_automatically',
    created: seconds(now),
    currency: world.prices.get(items[0]?.price ?? '')?.currency ?? 'usd',
    customer: customer.id,
    ended_at: null,
    items,
    livemode: world.live,
    metadata: textsOf(params, 'metadata'),
    start_date: started,
    status: 'active',
  };
  return {
    answer: answered(shown(world, subscription, seconds(now))),
    apply: () => world.subscriptions.set(subscription.id, subscription),
  };
}

export const retrieveSubscription = (world: World, call: Call): Decision => ({
  answer: answered(shown(world, subscriptionOf(world, call), seconds(call.now))),
});

export function listSubscriptions(world: World, { params, path, now }: Call): Decision {
  onlyKnown(params, ['customer', 'price', 'status', 'limit', 'starting_after', 'ending_before']);
  const customer = textOf(params, 'customer');
  knownCustomer(world, customer);
  const price = textOf(params, 'price');
  const status = textOf(params, 'status');
  const found = [...world.subscriptions.values()].filter(
    (one) =>
      (customer === null || one.customer === customer) &&
      (price === null || one.items.some((item) => item.price === price)) &&
      (status === 'all' || one.status === (status ?? 'active')),
  );
  return {
    answer: listPage(
      params,
      path,
      found.map((one) => shown(world, one, seconds(now))),
    ),
  };
}

/** Of all events the one kind that is asked for: subscriptions that ended. */
export function listEndings(world: World, { params, path, now }: Call): Decision {
  onlyKnown(params, ['type', 'created', 'limit', 'starting_after', 'ending_before']);
  const created = fieldsOf(params, 'created');
  const since = created === null ? null : wholeOf(created, 'gte');
  const wanted = textOf(params, 'type') === 'customer.subscription.deleted';
  const ended = [...world.subscriptions.values()].filter(
    ({ ended_at: at }) => wanted && at !== null && at >= (since ?? 0),
  );
  const events = ended.map((one) => ({
    id: `evt_${one.id}`,
    object: 'event',
    type: 'customer.subscription.deleted',
    created: one.ended_at,
    data: { object: shown(world, one, seconds(now)) },
  }));
  return { answer: listPage(params, path, events) };
}

export function cancelSubscription(world: World, call: Call): Decision {
  onlyKnown(call.params, ['invoice_now', 'prorate', 'cancellation_details']);
  const found = subscriptionOf(world, call);
  const at = seconds(call.now);
  const subscription: Subscription = { ...found, status: 'canceled', canceled_at: at, ended_at: at };
  return {
    answer: answered(shown(world, subscription, at)),
    apply: () => world.subscriptions.set(subscription.id, subscription),
  };
}

export function subscriptionOf(world: World, { ids: [id = ''] }: Call): Subscription {
  const subscription = world.subscriptions.get(id);
  if (subscription === undefined) throw noSuch('subscription', id);
  return subscription;
}

/** The period around `at`, epoch seconds; of an ended subscription, the one that it ended in. */
export function periodOf(
  { billing_cycle_anchor: anchor, start_date: started, ended_at: ended }: Subscription,
  at: number,
) {
  const now = Math.min(at, ended ?? at);
  let months = monthsBetween(anchor, now);
  while (addMonths(anchor, months) > now) months -= 1;
  while (addMonths(anchor, months + 1) <= now) months += 1;
  return { start: Math.max(started, addMonths(anchor, months)), end: addMonths(anchor, months + 1) };
}

/** `current_period_start` and `_end` are on the items. */
function shown(world: World, subscription: Subscription, at: number) {
  const { start, end } = periodOf(subscription, at);
  const data = subscription.items.map(({ price, ...item }) => ({
    ...item,
    object: 'subscription_item',
    current_period_end: end,
    current_period_start: start,
    price: { ...world.prices.get(price), tiers: undefined },
    subscription: subscription.id,
  }));
  const items = {
    object: 'list',
    data,
    has_more: false,
    url: `/v1/subscription_items?subscription=${subscription.id}`,
  };
  return { ...subscription, items };
}

/** Stated, or by its day and time in UTC (the first such moment from the start on), or the start itself. */
function anchorOf(params: Form, started: number): number {
  const config = fieldsOf(params, 'billing_cycle_anchor_config');
  if (config === null) return wholeOf(params, 'billing_cycle_anchor') ?? started;
  const day = wholeOf(config, 'day_of_month');
  if (day === null || day < 1 || day > 31) {
    throw invalid('billing_cycle_anchor_config[day_of_month]', 'Must be between 1 and 31.');
  }
  const from = new Date(started * 1000);
  const part = (name: string, fallback: number) => wholeOf(config, name) ?? fallback;
  const time: [number, number, number] = [
    part('hour', from.getUTCHours()),
    part('minute', from.getUTCMinutes()),
    part('second', from.getUTCSeconds()),
  ];
  const at = (month: number) =>
    Date.UTC(from.getUTCFullYear(), month, Math.min(day, lastDay(from.getUTCFullYear(), month)), ...time) /
    1000;
  const first = at(from.getUTCMonth());
  return first >= started ? first : at(from.getUTCMonth() + 1);
}

const lastDay = (year: number, month: number): number => new Date(Date.UTC(year, month + 1, 0)).getUTCDate();

function monthsBetween(from: number, to: number): number {
  const [a, b] = [new Date(from * 1000), new Date(to * 1000)];
  return (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
}

/** The same day and time, months later; the last day of a shorter month. */
function addMonths(time: number, months: number): number {
  const from = new Date(time * 1000);
  const [year, month] = [from.getUTCFullYear(), from.getUTCMonth() + months];
  const day = Math.min(from.getUTCDate(), lastDay(year, month));
  return Date.UTC(year, month, day, from.getUTCHours(), from.getUTCMinutes(), from.getUTCSeconds()) / 1000;
}
