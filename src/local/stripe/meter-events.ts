import { formatDecimal, parseDecimal, significantDigits } from '../../core/decimal.ts';
import { answered, invalid, noSuch, onlyKnown, Refusal, required, wholeOf } from './answer.ts';
import { type Form, fieldsOf, textOf } from './form.ts';
import {
  type Call,
  type Decision,
  type Meter,
  type MeterEvent,
  seconds,
  usageKey,
  type World,
} from './state.ts';

const HOUR_MS = 3_600_000;
/** "Within a rolling period of at least 24 hours": exactly that long here, so that nobody builds on more. */
const IDENTIFIER_MS = 24 * HOUR_MS;
const CANCEL_MS = 24 * HOUR_MS;
const PAST_S = 35 * 24 * 3600;
const FUTURE_S = 5 * 60;
const MOST_DIGITS = 15;

/** `POST /v1/billing/meter_events`, as Stripe documents it and with the messages that it has been seen to send. */
export function createMeterEvent(world: World, call: Call): Decision {
  const { params, now, id } = call;
  onlyKnown(params, ['event_name', 'payload', 'identifier', 'timestamp']);
  const eventName = required(params, 'event_name');
  const payload = fieldsOf(params, 'payload');
  if (payload === null)
    throw new Refusal({
      code: 'parameter_missing',
      message: 'Missing required param: payload.',
      param: 'payload',
    });
  const identifier = textOf(params, 'identifier') ?? id('evt');
  if (identifier.length > 100) throw invalid('identifier', 'Invalid string: must be at most 100 characters');
  const seen = world.identifiers.get(identifier);
  // No code: v1 sends none.
  if (seen !== undefined && now - seen.received < IDENTIFIER_MS) {
    throw new Refusal({ message: `An event already exists with identifier ${identifier}.` });
  }
  const timestamp = timestampOf(params, now);
  const meter = activeMeter(world, eventName);
  const value = amountOf(meter, payload);
  const customer = textOf(payload, meter.customer_mapping.event_payload_key);
  if (customer === null || customer === '') {
    throw new Refusal({
      code: 'meter_event_no_customer_defined',
      message: `Customer mapping key ${meter.customer_mapping.event_payload_key} not found in payload.`,
      param: 'payload',
    });
  }
  const known = world.customers.get(customer);
  const isGone = known === undefined || known.deleted === true;
  if (isGone && !call.asyncCustomers) {
    throw noSuch('customer', customer, `payload[${meter.customer_mapping.event_payload_key}]`, 400);
  }
  const event: MeterEvent = {
    identifier,
    eventName,
    customer,
    value,
    timestamp,
    received: now,
    cancelled: false,
  };
  return {
    answer: answered({
      object: 'billing.meter_event',
      created: seconds(now),
      event_name: eventName,
      identifier,
      livemode: world.live,
      payload: { ...payload },
      timestamp,
    }),
    apply() {
      remember(world, event);
      if (isGone) {
        const message = `Customer ${customer} not found.`;
        world.asyncErrors.push({ code: 'meter_event_customer_not_found', message, identifier });
        return;
      }
      const key = usageKey(meter.id, customer);
      const events = world.usage.get(key);
      if (events === undefined) world.usage.set(key, [event]);
      else events.push(event);
    },
  };
}

function remember({ identifiers }: World, event: MeterEvent): void {
  identifiers.delete(event.identifier);
  identifiers.set(event.identifier, event);
  for (const [old, { received }] of identifiers) {
    if (event.received - received <= IDENTIFIER_MS) break;
    identifiers.delete(old);
  }
}

function timestampOf(params: Form, now: number): number {
  const at = seconds(now);
  const timestamp = wholeOf(params, 'timestamp') ?? at;
  if (timestamp < at - PAST_S) {
    throw new Refusal({
      code: 'timestamp_too_far_in_past',
      message: `The event timestamp cannot be more than 35 days in past. Expected a timestamp greater than or equal to ${at - PAST_S}.`,
      param: 'timestamp',
    });
  }
  if (timestamp > at + FUTURE_S) {
    throw new Refusal({
      code: 'timestamp_in_future',
      message: `The event timestamp cannot be more than 5 minutes in the future. Expected a timestamp less than or equal to ${at + FUTURE_S}.`,
      param: 'timestamp',
    });
  }
  return timestamp;
}

function activeMeter(world: World, eventName: string): Meter {
  let archived: Meter | null = null;
  for (const meter of world.meters.values()) {
    if (meter.event_name !== eventName) continue;
    if (meter.status === 'active') return meter;
    archived = meter;
  }
  throw new Refusal({
    code: archived === null ? 'no_meter' : 'archived_meter',
    message: `No active meter found for event name "${eventName}".`,
    param: 'event_name',
  });
}

function amountOf(meter: Meter, payload: Form) {
  const key = meter.value_settings.event_payload_key;
  const param = `payload[${key}]`;
  const text = textOf(payload, key);
  if (text === null) {
    if (meter.default_aggregation.formula === 'count') return { units: 1n, scale: 0 };
    throw new Refusal({
      code: 'meter_event_value_not_found',
      message: `Value key ${key} not found in payload.`,
      param,
    });
  }
  const value = parseDecimal(text);
  if (value === null) {
    throw new Refusal({
      code: 'meter_event_invalid_value',
      message: `Invalid value: ${text}. The value must be a number.`,
      param,
    });
  }
  if (significantDigits(value) > MOST_DIGITS) {
    throw new Refusal({
      code: 'meter_event_value_too_many_digits',
      message: `The value in the event payload can have at most ${MOST_DIGITS} digits. Received ${formatDecimal(value)}.`,
      param,
    });
  }
  return value;
}

/** `POST /v1/billing/meter_event_adjustments`: cancels an event within 24 hours of its receipt. */
export function createAdjustment(world: World, { params, now }: Call): Decision {
  onlyKnown(params, ['event_name', 'type', 'cancel']);
  const eventName = required(params, 'event_name');
  if (required(params, 'type') !== 'cancel') throw invalid('type', 'Invalid type: must be cancel');
  const identifier = required(fieldsOf(params, 'cancel') ?? {}, 'identifier');
  const event = world.identifiers.get(identifier);
  if (event === undefined || event.eventName !== eventName) {
    throw noSuch('meter event', identifier, 'cancel[identifier]', 400);
  }
  if (now - event.received > CANCEL_MS) {
    throw invalid(
      'cancel[identifier]',
      'You can only cancel events within 24 hours of Stripe receiving them.',
    );
  }
  return {
    answer: answered({
      object: 'billing.meter_event_adjustment',
      cancel: { identifier },
      event_name: eventName,
      livemode: world.live,
      status: 'pending',
      type: 'cancel',
    }),
    apply() {
      event.cancelled = true;
    },
  };
}
