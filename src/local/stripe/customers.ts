import { answered, listPage, noSuch, onlyKnown, required } from './answer.ts';
import { textOf, textsOf } from './form.ts';
import { type Call, type Customer, type Decision, seconds, type World } from './state.ts';

const FIELDS = ['name', 'email', 'description', 'metadata'];

/** `/v1/customers`: create, update, retrieve, delete, list, and search by name, email or metadata. */
export function createCustomer(world: World, { params, id, now }: Call): Decision {
  onlyKnown(params, FIELDS);
  const customer: Customer = {
    id: id('cus'),
    object: 'customer',
    created: seconds(now),
    description: textOf(params, 'description'),
    email: textOf(params, 'email'),
    livemode: world.live,
    metadata: textsOf(params, 'metadata'),
    name: textOf(params, 'name'),
  };
  return { answer: answered(customer), apply: () => world.customers.set(customer.id, customer) };
}

export function updateCustomer(world: World, call: Call): Decision {
  const { params } = call;
  onlyKnown(params, FIELDS);
  const found = livingCustomer(world, call.ids[0] ?? '');
  const customer: Customer = {
    ...found,
    description: textOf(params, 'description') ?? found.description,
    email: textOf(params, 'email') ?? found.email,
    metadata: { ...found.metadata, ...textsOf(params, 'metadata') },
    name: textOf(params, 'name') ?? found.name,
  };
  return { answer: answered(customer), apply: () => world.customers.set(customer.id, customer) };
}

export function retrieveCustomer(world: World, { ids: [id = ''] }: Call): Decision {
  const customer = world.customers.get(id);
  if (customer === undefined) throw noSuch('customer', id);
  return { answer: answered(customer.deleted ? { id, object: 'customer', deleted: true } : customer) };
}

/** Its subscriptions end with it. */
export function deleteCustomer(world: World, { ids: [id = ''], now }: Call): Decision {
  const customer = livingCustomer(world, id);
  return {
    answer: answered({ id, object: 'customer', deleted: true }),
    apply() {
      world.customers.set(id, { ...customer, deleted: true });
      for (const subscription of world.subscriptions.values()) {
        if (subscription.customer !== id || subscription.status === 'canceled') continue;
        const ended = { status: 'canceled', canceled_at: seconds(now), ended_at: seconds(now) } as const;
        world.subscriptions.set(subscription.id, { ...subscription, ...ended });
      }
    },
  };
}

export function listCustomers(world: World, { params, path }: Call): Decision {
  onlyKnown(params, ['email', 'limit', 'starting_after', 'ending_before', 'created']);
  const email = textOf(params, 'email');
  return {
    answer: listPage(
      params,
      path,
      living(world).filter((one) => email === null || one.email === email),
    ),
  };
}

const CLAUSE = /^(?:(name|email)|metadata\[["']([^"']+)["']\]):["']([^"']*)["']$/;

/** Clauses `field:"value"` joined by AND; Stripe's search also lags by a minute, this one does not. */
export function searchCustomers(world: World, { params, path }: Call): Decision {
  onlyKnown(params, ['query', 'limit', 'page']);
  const clauses = required(params, 'query')
    .split(/ AND /i)
    .map((clause) => CLAUSE.exec(clause.trim()) ?? noSuchQuery());
  const data = living(world).filter((customer) =>
    clauses.every(([, field, key, value]) =>
      key === undefined ? customer[field as 'name' | 'email'] === value : customer.metadata[key] === value,
    ),
  );
  return {
    answer: answered({ object: 'search_result', data, has_more: false, next_page: null, url: path }),
  };
}

/** Throws unless the customer is there and was not deleted. */
export function livingCustomer(world: World, id: string, param = 'id', status = 404): Customer {
  const customer = world.customers.get(id);
  if (customer === undefined || customer.deleted) throw noSuch('customer', id, param, status);
  return customer;
}

/** Lists still show what a deleted customer had; of one that never was there is none. */
export function knownCustomer(world: World, id: string | null): void {
  if (id !== null && !world.customers.has(id)) throw noSuch('customer', id, 'customer', 400);
}

const living = (world: World): Customer[] => [...world.customers.values()].filter((one) => !one.deleted);

const noSuchQuery = (): never => {
  throw noSuch('search query', 'of this form', 'query', 400);
};
