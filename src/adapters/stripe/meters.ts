import type Stripe from 'stripe';
import type { Meter, SinkProblem } from '../../core/billing/sink.ts';

/** What our events carry, and so what a meter must look for. */
export const CUSTOMER_KEY = 'stripe_customer_id';
export const VALUE_KEY = 'value';

/** All meters of the account by event name; of several with one name, the active one. */
export async function metersByEvent(api: Stripe): Promise<Map<string, Stripe.Billing.Meter>> {
  const found = new Map<string, Stripe.Billing.Meter>();
  for await (const meter of api.billing.meters.list({ limit: 100 })) {
    if (meter.status === 'active' || !found.has(meter.event_name)) found.set(meter.event_name, meter);
  }
  return found;
}

/** Why nothing may be sent to a meter, or `null`. */
export function meterProblem(meter: Meter, found: Stripe.Billing.Meter | undefined): SinkProblem | null {
  const { eventName } = meter;
  const problem = (code: string, message: string, hint: string, next: string): SinkProblem => ({
    meter,
    code,
    message,
    hint,
    next,
  });
  const another = `give ${meter.metric} another "eventName" under "billing"."meters" in saasctl.json, then run: ${SETUP}`;
  if (found === undefined) {
    return problem(
      'meter_missing',
      `Stripe has no meter for ${eventName}`,
      `usage of ${meter.metric} waits until it has`,
      SETUP,
    );
  }
  if (found.status !== 'active') {
    return problem(
      'meter_inactive',
      `Stripe's meter ${found.id} for ${eventName} is inactive`,
      `usage of ${meter.metric} waits; the setup activates it again`,
      SETUP,
    );
  }
  const { formula } = found.default_aggregation;
  if (formula !== 'sum') {
    const why =
      formula === 'count'
        ? 'every sync would bill 1, whatever was used'
        : 'every sync would bill its own part alone';
    return problem(
      'meter_formula',
      `Stripe's meter ${found.id} for ${eventName} has the formula ${formula}, not sum`,
      why,
      another,
    );
  }
  if (found.event_time_window !== null) {
    const why = `it keeps only the last event of each ${found.event_time_window}, and we send what was added`;
    return problem(
      'meter_window',
      `Stripe's meter ${found.id} for ${eventName} has an event time window`,
      why,
      another,
    );
  }
  const keys = [found.customer_mapping.event_payload_key, found.value_settings.event_payload_key];
  if (found.customer_mapping.type !== 'by_id' || keys[0] !== CUSTOMER_KEY || keys[1] !== VALUE_KEY) {
    const why = `our events carry ${CUSTOMER_KEY} and ${VALUE_KEY}`;
    return problem(
      'meter_mapping',
      `Stripe's meter ${found.id} for ${eventName} looks for ${keys.join(' and ')}`,
      why,
      another,
    );
  }
  return null;
}

export const SETUP = 'saasctl usage stripe setup';
