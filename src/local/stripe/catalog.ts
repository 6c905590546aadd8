import { formatDecimal, parseDecimal, rescaled } from '../../core/decimal.ts';
import {
  answered,
  invalid,
  listPage,
  missing,
  noSuch,
  onlyKnown,
  Refusal,
  required,
  wholeOf,
} from './answer.ts';
import { entriesOf, type Form, fieldsOf, textOf, textsOf } from './form.ts';
import {
  type Call,
  type Decision,
  type Price,
  type Product,
  seconds,
  type Tier,
  type World,
} from './state.ts';

/** `/v1/products`: create, update, retrieve, list. */
export function createProduct(world: World, { params, id, now }: Call): Decision {
  onlyKnown(params, ['id', 'name', 'active', 'description', 'metadata', 'unit_label']);
  const productId = textOf(params, 'id') ?? id('prod');
  if (world.products.has(productId)) {
    throw new Refusal({
      code: 'resource_already_exists',
      message: `Product already exists: ${productId}`,
      param: 'id',
    });
  }
  const product: Product = {
    id: productId,
    object: 'product',
    active: textOf(params, 'active') !== 'false',
    created: seconds(now),
    livemode: world.live,
    metadata: textsOf(params, 'metadata'),
    name: required(params, 'name'),
    unit_label: textOf(params, 'unit_label'),
    updated: seconds(now),
  };
  return { answer: answered(product), apply: () => world.products.set(product.id, product) };
}

export function updateProduct(world: World, call: Call): Decision {
  const { params, now } = call;
  onlyKnown(params, ['name', 'active', 'metadata', 'unit_label', 'description']);
  const found = productOf(world, call);
  const product: Product = {
    ...found,
    active: flagOf(params, 'active') ?? found.active,
    metadata: { ...found.metadata, ...textsOf(params, 'metadata') },
    name: textOf(params, 'name') ?? found.name,
    unit_label: textOf(params, 'unit_label') ?? found.unit_label,
    updated: seconds(now),
  };
  return { answer: answered(product), apply: () => world.products.set(product.id, product) };
}

export const retrieveProduct = (world: World, call: Call): Decision => ({
  answer: answered(productOf(world, call)),
});

export function listProducts(world: World, { params, path }: Call): Decision {
  onlyKnown(params, ['active', 'ids', 'limit', 'starting_after', 'ending_before']);
  const active = flagOf(params, 'active');
  const ids = entriesOf(params, 'ids');
  const found = [...world.products.values()].filter(
    (one) => (active === null || one.active === active) && (ids.length === 0 || ids.includes(one.id)),
  );
  return { answer: listPage(params, path, found) };
}

function productOf(world: World, { ids: [id = ''] }: Call): Product {
  const product = world.products.get(id);
  if (product === undefined) throw noSuch('product', id);
  return product;
}

/** `/v1/prices`: create, update, retrieve, list by lookup key. What a price charges never changes. */
export function createPrice(world: World, call: Call): Decision {
  const { params, id, now } = call;
  onlyKnown(params, [
    'active',
    'billing_scheme',
    'currency',
    'lookup_key',
    'metadata',
    'nickname',
    'product',
    'recurring',
    'tiers',
    'tiers_mode',
    'transfer_lookup_key',
    'unit_amount',
    'unit_amount_decimal',
  ]);
  const product = required(params, 'product');
  if (!world.products.has(product)) throw noSuch('product', product, 'product', 400);
  const tiers = tiersOf(params);
  const price: Price = {
    id: id('price'),
    object: 'price',
    active: textOf(params, 'active') !== 'false',
    billing_scheme: tiers === null ? 'per_unit' : 'tiered',
    created: seconds(now),
    currency: required(params, 'currency').toLowerCase(),
    livemode: world.live,
    lookup_key: textOf(params, 'lookup_key'),
    metadata: textsOf(params, 'metadata'),
    nickname: textOf(params, 'nickname'),
    product,
    recurring: recurringOf(world, params),
    tax_behavior: 'unspecified',
    ...(tiers === null ? {} : { tiers }),
    tiers_mode: tiers === null ? null : modeOf(params),
    type: fieldsOf(params, 'recurring') === null ? 'one_time' : 'recurring',
    ...(tiers === null ? amountOf(params, 'unit_amount') : { unit_amount: null, unit_amount_decimal: null }),
  };
  if (tiers === null && price.unit_amount_decimal === null) throw missing('unit_amount_decimal');
  return { answer: answered(shown(price, params)), apply: keep(world, price, params) };
}

export function updatePrice(world: World, call: Call): Decision {
  const { params } = call;
  onlyKnown(params, ['active', 'lookup_key', 'metadata', 'nickname', 'transfer_lookup_key']);
  const found = priceOf(world, call);
  const key = textOf(params, 'lookup_key');
  const price: Price = {
    ...found,
    active: flagOf(params, 'active') ?? found.active,
    lookup_key: key === '' ? null : (key ?? found.lookup_key),
    metadata: { ...found.metadata, ...textsOf(params, 'metadata') },
    nickname: textOf(params, 'nickname') ?? found.nickname,
  };
  return { answer: answered(shown(price, params)), apply: keep(world, price, params) };
}

export const retrievePrice = (world: World, call: Call): Decision => ({
  answer: answered(shown(priceOf(world, call), call.params)),
});

export function listPrices(world: World, { params, path }: Call): Decision {
  onlyKnown(params, [
    'active',
    'currency',
    'lookup_keys',
    'product',
    'recurring',
    'type',
    'limit',
    'starting_after',
    'ending_before',
  ]);
  const active = flagOf(params, 'active');
  const keys = entriesOf(params, 'lookup_keys');
  if (keys.length > 10) throw invalid('lookup_keys', 'You can specify up to 10 lookup_keys.');
  const product = textOf(params, 'product');
  const meter = textOf(fieldsOf(params, 'recurring') ?? {}, 'meter');
  const found = [...world.prices.values()].filter(
    (one) =>
      (active === null || one.active === active) &&
      (keys.length === 0 || (one.lookup_key !== null && keys.includes(one.lookup_key))) &&
      (product === null || one.product === product) &&
      (meter === null || one.recurring?.meter === meter),
  );
  return {
    answer: listPage(
      params,
      path,
      found.map((price) => shown(price, params)),
    ),
  };
}

function priceOf(world: World, { ids: [id = ''] }: Call): Price {
  const price = world.prices.get(id);
  if (price === undefined) throw noSuch('price', id);
  return price;
}

/** A lookup key is one price's at a time: it moves where the request says so, and is refused otherwise. */
function keep(world: World, price: Price, params: Form): () => void {
  const holder =
    price.lookup_key === null
      ? undefined
      : [...world.prices.values()].find((one) => one.lookup_key === price.lookup_key && one.id !== price.id);
  if (holder !== undefined && textOf(params, 'transfer_lookup_key') !== 'true') {
    throw new Refusal({
      code: 'resource_already_exists',
      message: `A price (\`${holder.id}\`) already uses that lookup key.`,
      param: 'lookup_key',
    });
  }
  return () => {
    if (holder !== undefined) world.prices.set(holder.id, { ...holder, lookup_key: null });
    world.prices.set(price.id, price);
  };
}

/** Tiers are shown to those who ask for them. */
function shown({ tiers, ...price }: Price, params: Form): Price {
  const asked = entriesOf(params, 'expand').some((name) => name === 'tiers' || name === 'data.tiers');
  return asked && tiers !== undefined ? { ...price, tiers } : price;
}

function recurringOf(world: World, params: Form): Price['recurring'] {
  const recurring = fieldsOf(params, 'recurring');
  if (recurring === null) return null;
  const meter = textOf(recurring, 'meter');
  const metered = textOf(recurring, 'usage_type') === 'metered';
  if (meter !== null && !world.meters.has(meter))
    throw noSuch('billing meter', meter, 'recurring[meter]', 400);
  if (metered !== (meter !== null)) {
    throw invalid('recurring[meter]', 'Metered prices, and only they, must be backed by a meter.');
  }
  return {
    interval: required(recurring, 'interval'),
    interval_count: wholeOf(recurring, 'interval_count') ?? 1,
    meter,
    trial_period_days: null,
    usage_type: metered ? 'metered' : 'licensed',
  };
}

function modeOf(params: Form): 'graduated' | 'volume' {
  const mode = required(params, 'tiers_mode');
  if (mode === 'graduated' || mode === 'volume') return mode;
  throw invalid('tiers_mode', 'Invalid tiers_mode: must be one of graduated or volume');
}

function tiersOf(params: Form): Tier[] | null {
  if (textOf(params, 'billing_scheme') !== 'tiered') return null;
  const stated = entriesOf(params, 'tiers').filter((tier): tier is Form => typeof tier === 'object');
  if (stated.length === 0) throw missing('tiers');
  return stated.map((tier, at) => {
    const upTo = required(tier, 'up_to');
    const isLast = at === stated.length - 1;
    if ((upTo === 'inf') !== isLast) {
      throw invalid('tiers', 'The last tier, and only it, must be open: set its up_to to inf.');
    }
    const unit = amountOf(tier, 'unit_amount');
    const flat = amountOf(tier, 'flat_amount');
    return {
      flat_amount: flat.unit_amount,
      flat_amount_decimal: flat.unit_amount_decimal,
      ...unit,
      up_to: upTo === 'inf' ? null : wholeOf(tier, 'up_to'),
    };
  });
}

/** An amount in minor units, stated as a whole number or as a decimal of at most 12 places. */
function amountOf(
  form: Form,
  name: string,
): { unit_amount: number | null; unit_amount_decimal: string | null } {
  const text = textOf(form, `${name}_decimal`) ?? textOf(form, name);
  if (text === null) return { unit_amount: null, unit_amount_decimal: null };
  const amount = parseDecimal(text);
  if (amount === null || amount.units < 0n || rescaled(amount, 12) === null) {
    throw invalid(
      `${name}_decimal`,
      `Invalid decimal: ${text}; must contain at maximum twelve decimal places.`,
    );
  }
  const whole = rescaled(amount, 0);
  return { unit_amount: whole === null ? null : Number(whole), unit_amount_decimal: formatDecimal(amount) };
}

function flagOf(params: Form, name: string): boolean | null {
  const text = textOf(params, name);
  return text === null ? null : text === 'true';
}
