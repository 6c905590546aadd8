import { randomUUID } from 'node:crypto';
import type Stripe from 'stripe';
import type { Delivery, Sink, SinkProblem, UsageEvent } from '../../core/billing/sink.ts';
import { addDecimals, type Decimal, parseDecimal, rescaled, ZERO } from '../../core/decimal.ts';
import { SaasctlError } from '../../core/errors.ts';
import { decimalOf } from '../../core/usage/metrics.ts';
import { stripeClient } from './client.ts';
import { billingPeriods, endedSince } from './customers.ts';
import { deliveryOf, isCustomerGone, RIGHTS, stripeError } from './errors.ts';
import { CUSTOMER_KEY, meterProblem, metersByEvent, VALUE_KEY } from './meters.ts';

/** Stripe takes 35 days; a day less, so that an event of the day's beginning is still in time at its end. */
const BACKDATE_DAYS = 34;
const CLOCK_SKEW_MS = 120_000;
const DAY_S = 86_400;
/** Calls a second: what Stripe takes of live meter events, and of everything in a sandbox. */
const PER_SECOND = { live: 1000, test: 25 } as const;

export interface StripeSinkOptions {
  /** `null`: there is none; preflight says so. */
  apiKey: string | null;
  /** Of a stand-in; `null` for Stripe itself. */
  url: string | null;
  mode: 'live' | 'test';
  /** Events a second; as many as Stripe takes unless given, and of a stand-in any number. */
  perSecond?: number | undefined;
  /** One line per HTTP call, for `--debug`. */
  trace?: ((line: string) => void) | null;
  timeoutMs?: number;
}

/** Stripe Billing Meters. Every attempt is one request; whether there is another is the ledger's to say. */
export function stripeSink(options: StripeSinkOptions): Sink {
  const { apiKey, url, mode } = options;
  const client = apiKey === null ? null : stripeClient({ ...options, apiKey });
  let account: Promise<Stripe.Response<Stripe.Account>> | null = null;
  let meters: Promise<Map<string, Stripe.Billing.Meter>> | null = null;

  const api = (): Stripe => {
    if (client === null) throw keyMissing(mode);
    return client.api;
  };
  // Kept when it came; asked again when it did not.
  const ownAccount = () => {
    account ??= api()
      .accounts.retrieveCurrent()
      .catch((error: unknown) => {
        account = null;
        throw stripeError(error, 'read the account at Stripe', url);
      });
    return account;
  };
  const allMeters = () => {
    meters ??= metersByEvent(api()).catch((error: unknown) => {
      meters = null;
      throw stripeError(error, 'list the meters at Stripe', url);
    });
    return meters;
  };

  return {
    name: 'stripe',
    mode,
    needsCustomer: true,
    batch: 1,
    perSecond: options.perSecond ?? (url === null ? PER_SECOND[mode] : null),
    backdateDays: BACKDATE_DAYS,
    account: async () => (await ownAccount()).id,
    async preflight(wanted, now) {
      if (client === null) return [asProblem(keyMissing(mode))];
      try {
        const { lastResponse } = await ownAccount();
        const skewed = clockProblem(lastResponse.headers['date'], now);
        // Asked anew: it may have been changed since.
        meters = null;
        const found = await allMeters();
        const problems = wanted.map((meter) => meterProblem(meter, found.get(meter.eventName)));
        return [skewed, ...problems].filter((problem) => problem !== null);
      } catch (error) {
        if (error instanceof SaasctlError && error.category === 'auth') return [asProblem(error)];
        throw error;
      }
    },
    deliver: (events) => inTurns(events, (event) => send(client?.api ?? null, event)),
    async total({ customer, meter, day }) {
      if (customer === null) return null;
      const found = (await allMeters()).get(meter.eventName);
      if (found === undefined) return null;
      return dayTotal(api(), found.id, customer, day, meter.scale).catch((error: unknown) => {
        if (isCustomerGone(error)) return null;
        throw stripeError(error, `read what Stripe counted of ${meter.eventName} on ${day}`, url);
      });
    },
    periods: (customer) =>
      billingPeriods(api(), customer).catch((error: unknown) => {
        if (isCustomerGone(error)) return null;
        throw stripeError(error, `read the invoices of ${customer} at Stripe`, url);
      }),
    ended: (since) =>
      endedSince(api(), since).catch((error: unknown) => {
        throw stripeError(error, 'read which subscriptions ended today', url);
      }),
    async close() {
      client?.close();
    },
  };
}

/** A customer's events of one meter after each other, because Stripe answers 409 to two at once; all others at once. */
function inTurns(
  events: readonly UsageEvent[],
  deliver: (event: UsageEvent) => Promise<Delivery>,
): Promise<Delivery[]> {
  const last = new Map<string, Promise<Delivery>>();
  const all = events.map((event) => {
    const key = `${event.customer} ${event.meter.eventName}`;
    const turn = (last.get(key) ?? Promise.resolve()).then(() => deliver(event));
    last.set(key, turn);
    return turn;
  });
  return Promise.all(all);
}

async function send(
  api: Stripe | null,
  { id, customer, meter, value, timestamp }: UsageEvent,
): Promise<Delivery> {
  if (api === null) return { kind: 'rejected', reason: 'unauthorized', message: 'STRIPE_API_KEY is not set' };
  if (customer === null)
    return { kind: 'rejected', reason: 'customer_gone', message: 'no customer is linked' };
  try {
    const taken = await api.billing.meterEvents.create(
      {
        event_name: meter.eventName,
        identifier: id,
        payload: { [CUSTOMER_KEY]: customer, [VALUE_KEY]: decimalOf(value, meter.scale) },
        timestamp,
      },
      // A fresh one: with the last attempt's, Stripe would play back the failure that it came to.
      { idempotencyKey: randomUUID() },
    );
    if (taken.identifier === id) return { kind: 'delivered' };
    return {
      kind: 'ambiguous',
      reason: 'unparsable',
      message: 'the answer is not about the event that was sent',
    };
  } catch (error) {
    return deliveryOf(error);
  }
}

/** What the summaries say of a UTC day, in 10^-scale units; `null` where it has more places than that, or too many digits. */
async function dayTotal(
  api: Stripe,
  meterId: string,
  customer: string,
  day: string,
  scale: number,
): Promise<number | null> {
  const start = Date.parse(`${day}T00:00:00Z`) / 1000;
  const window = { start_time: start, end_time: start + DAY_S, value_grouping_window: 'day' } as const;
  let sum = ZERO;
  for await (const { aggregated_value: value } of api.billing.meters.listEventSummaries(meterId, {
    customer,
    ...window,
    limit: 100,
  })) {
    const part = summed(value, scale);
    if (part === null) return null;
    sum = addDecimals(sum, part);
  }
  const total = rescaled(sum, scale);
  return total === null || total > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(total);
}

/** A double carries 15 digits of what Stripe added up, the rest is noise: `null` where that leaves no room for the scale. */
function summed(value: number, scale: number): Decimal | null {
  if (Number.isSafeInteger(value)) return parseDecimal(String(value));
  const whole = String(Math.trunc(Math.abs(value))).length;
  return whole + scale < 15 ? parseDecimal(value.toPrecision(15)) : null;
}

function clockProblem(date: string | undefined, now: number): SinkProblem | null {
  const theirs = Date.parse(date ?? '');
  const skew = Math.abs(now - theirs);
  if (Number.isNaN(skew) || skew <= CLOCK_SKEW_MS) return null;
  return {
    meter: null,
    code: 'clock_skewed',
    message: `this machine's clock and Stripe's are ${Math.round(skew / 1000)} s apart`,
    hint: 'usage would be stamped with a wrong time; at most 120 s are fine',
    next: 'timedatectl status',
  };
}

function keyMissing(mode: 'live' | 'test'): SaasctlError {
  return new SaasctlError({
    code: 'stripe_key_missing',
    category: 'config',
    message: 'there is no Stripe key: STRIPE_API_KEY is not set',
    hint: `the profile bills in ${mode} mode; ${RIGHTS}`,
    next: `export STRIPE_API_KEY=sk_${mode}_…`,
  });
}

const asProblem = ({ code, message, hint, next }: SaasctlError): SinkProblem => ({
  meter: null,
  code,
  message,
  hint,
  next,
});
