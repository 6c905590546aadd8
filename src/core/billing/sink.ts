import type { Measure } from '../usage/metrics.ts';

/** What is billed: a metric, and the name under which the sink knows it. */
export interface Meter {
  metric: string;
  eventName: string;
  measure: Measure;
  /** Decimal places of the metric's amounts. */
  scale: number;
}

/** One delta of one tenant, meter and UTC day, on its way to a sink. */
export interface UsageEvent {
  /** Names this delta for ever: sent again, it is the same event. At most 100 characters. */
  id: string;
  tenantId: string;
  /** The customer at the sink (Stripe's `cus_…`); `null` where the sink knows tenants by our id. */
  customer: string | null;
  meter: Meter;
  /** `yyyy-mm-dd`, UTC. */
  day: string;
  /** Integer of 10^-scale units, above 0. */
  value: number;
  /** What it is stamped with, epoch seconds, within its day. */
  timestamp: number;
}

/**
 * What became of one attempt to deliver an event.
 * `delivered`: counted, now or by an earlier attempt (a duplicate was refused). `retry`: provably not counted, worth
 * another attempt. `rejected`: provably not counted, and the same event never will be. `ambiguous`: nobody knows.
 * `customer_gone`, `meter_gone` and `unauthorized` as reasons let the sync stop that tenant, that meter, or all.
 */
export type Delivery =
  | { kind: 'delivered' }
  | { kind: 'retry'; reason: 'rate' | 'conflict' | 'unreachable'; message: string; afterMs: number | null }
  | {
      kind: 'rejected';
      reason: 'customer_gone' | 'meter_gone' | 'unauthorized' | 'too_old' | 'invalid';
      message: string;
    }
  | { kind: 'ambiguous'; reason: 'timeout' | 'reset' | 'server_error' | 'unparsable'; message: string };

/** What a sink has against syncing: about all of it, or about one meter. */
export interface SinkProblem {
  /** `null`: nothing can be sent. */
  meter: Meter | null;
  /** As `SaasctlError.code`: `stripe_key_missing`, `meter_inactive`, `clock_skewed` … */
  code: string;
  message: string;
  hint: string | null;
  next: string | null;
}

/** Where usage is billed. Each has a ledger of its own, by name and scope. */
export interface Sink {
  readonly name: SinkName;
  /** The account at the other side, or what stands for it. Throws `SaasctlError` where it cannot be told. */
  account(): Promise<string>;
  readonly mode: 'live' | 'test';
  /** Whether a tenant without a customer is skipped. */
  readonly needsCustomer: boolean;
  /** Events to one `deliver`; and how many a second the other side takes, `null`: as many as it can. */
  readonly batch: number;
  readonly perSecond: number | null;
  /** Days back that an event may be stamped; `null`: any. */
  readonly backdateDays: number | null;
  /**
   * Hours for which an id sent again is recognised, a margin taken off; `null`: for ever. 23 unless said (Stripe
   * promises 24). After them `total` decides what became of an attempt whose answer was lost.
   */
  readonly dedupeHours?: number | null;
  /** Checks everything that can be checked before the first write. Throws where the sink cannot be asked. */
  preflight(meters: readonly Meter[], now: number): Promise<SinkProblem[]>;
  /** One attempt at each; the answers in the order of the events. Never throws, never repeats an attempt. */
  deliver(events: readonly UsageEvent[]): Promise<Delivery[]>;
  /**
   * What the other side has counted of a meter on a day, in 10^-scale units; `null` where it cannot say.
   * Eventually consistent.
   */
  total(query: {
    customer: string | null;
    tenantId: string;
    meter: Meter;
    day: string;
  }): Promise<number | null>;
  /**
   * Epoch seconds, each `null` where there is none: before `closedUntil` usage falls into invoices that are final
   * already; at `endedAt` the customer's subscription ended. `null`: there is no such customer. Asked once a run of a
   * customer with something to send for a day that is over, or whose subscription ended today.
   */
  periods?(customer: string): Promise<{ closedUntil: number | null; endedAt: number | null } | null>;
  /** Customers of whom a subscription ended since then (epoch seconds): asked once a run, for all of them. */
  ended?(since: number): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

export const SINKS = ['stripe', 'webhook', 'csv'] as const;
export type SinkName = (typeof SINKS)[number];

/** What a command that is said to be next needs in order to look at this sink's ledger. */
export const atSink = (sink: string): string => (sink === 'stripe' ? '' : ` --sink ${sink}`);
