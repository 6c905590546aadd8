import type { Decimal } from '../../core/decimal.ts';
import type { Answer } from './answer.ts';
import type { Form } from './form.ts';

/** What one mode (test or live) of the account holds: objects in Stripe's own shapes, in the order of creation. */
export interface World {
  live: boolean;
  meters: Map<string, Meter>;
  /** By identifier, the events of the last 24 hours. */
  identifiers: Map<string, MeterEvent>;
  /** By meter and customer (`usageKey`), in the order they came. */
  usage: Map<string, MeterEvent[]>;
  /** Events that were taken and only later found wrong. */
  asyncErrors: { code: string; message: string; identifier: string }[];
  customers: Map<string, Customer>;
  products: Map<string, Product>;
  prices: Map<string, Price>;
  subscriptions: Map<string, Subscription>;
  /** By idempotency key. */
  replies: Map<string, { at: number; path: string; form: string; status: number; body: string }>;
}

export const emptyWorld = (live: boolean): World => ({
  live,
  meters: new Map(),
  identifiers: new Map(),
  usage: new Map(),
  asyncErrors: [],
  customers: new Map(),
  products: new Map(),
  prices: new Map(),
  subscriptions: new Map(),
  replies: new Map(),
});

export const usageKey = (meterId: string, customer: string): string => `${meterId} ${customer}`;

export interface Meter {
  id: string;
  object: 'billing.meter';
  created: number;
  customer_mapping: { event_payload_key: string; type: 'by_id' };
  default_aggregation: { formula: string };
  display_name: string;
  event_name: string;
  event_time_window: string | null;
  livemode: boolean;
  status: 'active' | 'inactive';
  status_transitions: { deactivated_at: number | null };
  updated: number;
  value_settings: { event_payload_key: string };
}

export interface MeterEvent {
  identifier: string;
  eventName: string;
  customer: string;
  value: Decimal;
  /** Epoch seconds: what it is stamped with. */
  timestamp: number;
  /** Epoch ms: when it was taken. */
  received: number;
  cancelled: boolean;
}

export interface Customer {
  id: string;
  object: 'customer';
  created: number;
  deleted?: true;
  description: string | null;
  email: string | null;
  livemode: boolean;
  metadata: Record<string, string>;
  name: string | null;
}

export interface Product {
  id: string;
  object: 'product';
  active: boolean;
  created: number;
  livemode: boolean;
  metadata: Record<string, string>;
  name: string;
  unit_label: string | null;
  updated: number;
}

export interface Tier {
  flat_amount: number | null;
  flat_amount_decimal: string | null;
  unit_amount: number | null;
  unit_amount_decimal: string | null;
  up_to: number | null;
}

export interface Price {
  id: string;
  object: 'price';
  active: boolean;
  billing_scheme: 'per_unit' | 'tiered';
  created: number;
  currency: string;
  livemode: boolean;
  lookup_key: string | null;
  metadata: Record<string, string>;
  nickname: string | null;
  product: string;
  recurring: {
    interval: string;
    interval_count: number;
    meter: string | null;
    trial_period_days: null;
    usage_type: 'licensed' | 'metered';
  } | null;
  tax_behavior: 'unspecified';
  tiers?: Tier[];
  tiers_mode: 'graduated' | 'volume' | null;
  type: 'recurring' | 'one_time';
  unit_amount: number | null;
  unit_amount_decimal: string | null;
}

export interface Subscription {
  id: string;
  object: 'subscription';
  billing_cycle_anchor: number;
  cancel_at_period_end: boolean;
  canceled_at: number | null;
  collection_method: 'charge_automatically';
  created: number;
  currency: string;
  customer: string;
  ended_at: number | null;
  items: { id: string; price: string; created: number; metadata: Record<string, string> }[];
  livemode: boolean;
  metadata: Record<string, string>;
  start_date: number;
  status: 'active' | 'canceled';
}

/** One request, as a handler sees it. The same call on the same world decides the same, also when it is replayed. */
export interface Call {
  /** The path's variable parts. */
  ids: string[];
  path: string;
  params: Form;
  /** Epoch ms. */
  now: number;
  /** A fresh identifier, such as `cus_…`. */
  id(prefix: string): string;
  /** Summaries lack what came within this many ms. */
  lagMs: number;
  /** Take events for unknown customers, and report them later. */
  asyncCustomers: boolean;
}

/** What to answer, and what the request changes; without `apply`, nothing. */
export interface Decision {
  answer: Answer;
  apply?: () => void;
}
export type Handler = (world: World, call: Call) => Decision;

export const seconds = (ms: number): number => Math.floor(ms / 1000);
