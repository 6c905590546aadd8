import { answered, invalid, listPage, noSuch, onlyKnown, Refusal, required } from './answer.ts';
import { fieldsOf, textOf } from './form.ts';
import { type Call, type Decision, type Meter, seconds, type World } from './state.ts';

/** `/v1/billing/meters`: create, list, retrieve, rename, deactivate, reactivate. A meter is never deleted. */
export function createMeter(world: World, { params, id, now }: Call): Decision {
  onlyKnown(params, [
    'default_aggregation',
    'display_name',
    'event_name',
    'customer_mapping',
    'event_time_window',
    'value_settings',
  ]);
  const name = required(params, 'display_name');
  const eventName = required(params, 'event_name');
  if (name.length > 250) throw invalid('display_name', 'Invalid string: must be at most 250 characters');
  if (eventName.length > 100) throw invalid('event_name', 'Invalid string: must be at most 100 characters');
  const formula = textOf(fieldsOf(params, 'default_aggregation') ?? {}, 'formula');
  if (formula === null || !['sum', 'count', 'last'].includes(formula)) {
    throw invalid(
      'default_aggregation[formula]',
      'Invalid default_aggregation[formula]: must be one of count, sum, or last',
    );
  }
  const mapping = fieldsOf(params, 'customer_mapping') ?? {};
  if (Object.keys(mapping).length > 0 && textOf(mapping, 'type') !== 'by_id') {
    throw invalid('customer_mapping[type]', 'Invalid customer_mapping[type]: must be by_id');
  }
  const window = textOf(params, 'event_time_window');
  if (window !== null && window !== 'day' && window !== 'hour') {
    throw invalid('event_time_window', 'Invalid event_time_window: must be one of day or hour');
  }
  refuseTaken(world, eventName);
  const meter: Meter = {
    id: id(world.live ? 'mtr' : 'mtr_test'),
    object: 'billing.meter',
    created: seconds(now),
    customer_mapping: {
      event_payload_key: textOf(mapping, 'event_payload_key') ?? 'stripe_customer_id',
      type: 'by_id',
    },
    default_aggregation: { formula },
    display_name: name,
    event_name: eventName,
    event_time_window: window,
    livemode: world.live,
    status: 'active',
    status_transitions: { deactivated_at: null },
    updated: seconds(now),
    value_settings: {
      event_payload_key: textOf(fieldsOf(params, 'value_settings') ?? {}, 'event_payload_key') ?? 'value',
    },
  };
  return { answer: answered(meter), apply: () => world.meters.set(meter.id, meter) };
}

export function listMeters(world: World, { params, path }: Call): Decision {
  onlyKnown(params, ['status', 'limit', 'starting_after', 'ending_before']);
  const status = textOf(params, 'status');
  const found = [...world.meters.values()].filter((meter) => status === null || meter.status === status);
  return { answer: listPage(params, path, found) };
}

export const retrieveMeter = (world: World, call: Call): Decision => ({
  answer: answered(meterOf(world, call)),
});

export function updateMeter(world: World, call: Call): Decision {
  onlyKnown(call.params, ['display_name']);
  const name = textOf(call.params, 'display_name');
  return changed(world, call, name === null ? {} : { display_name: name });
}

export function deactivateMeter(world: World, call: Call): Decision {
  return changed(world, call, {
    status: 'inactive',
    status_transitions: { deactivated_at: seconds(call.now) },
  });
}

export function reactivateMeter(world: World, call: Call): Decision {
  const meter = meterOf(world, call);
  if (meter.status === 'inactive') refuseTaken(world, meter.event_name);
  return changed(world, call, { status: 'active', status_transitions: { deactivated_at: null } });
}

export function meterOf(world: World, { ids: [id = ''] }: Call): Meter {
  const meter = world.meters.get(id);
  if (meter === undefined) throw noSuch('billing meter', id);
  return meter;
}

function changed(world: World, call: Call, change: Partial<Meter>): Decision {
  const meter = { ...meterOf(world, call), ...change, updated: seconds(call.now) };
  return { answer: answered(meter), apply: () => world.meters.set(meter.id, meter) };
}

/** One active meter to an event name. */
function refuseTaken(world: World, eventName: string): void {
  for (const { event_name: name, status, id } of world.meters.values()) {
    if (name === eventName && status === 'active') {
      throw new Refusal({
        code: 'resource_already_exists',
        message: `An active meter already exists with event name ${eventName}: ${id}.`,
        param: 'event_name',
      });
    }
  }
}
