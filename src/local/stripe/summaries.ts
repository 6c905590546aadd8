import { addDecimals, type Decimal, formatDecimal, ZERO } from '../../core/decimal.ts';
import { type Answer, invalid, listPage, noSuch, onlyKnown, required, wholeOf } from './answer.ts';
import { textOf } from './form.ts';
import { meterOf } from './meters.ts';
import { type Call, type Decision, type Meter, type MeterEvent, usageKey, type World } from './state.ts';

const MINUTE_S = 60;
const WINDOWS: Readonly<Record<string, number>> = { hour: 3600, day: 86_400 };

/** `GET /v1/billing/meters/:id/event_summaries`: one row, or one to each hour or UTC day that has events. */
export function listSummaries(world: World, call: Call): Decision {
  const { params, path, now, lagMs } = call;
  onlyKnown(params, [
    'customer',
    'start_time',
    'end_time',
    'value_grouping_window',
    'limit',
    'starting_after',
    'ending_before',
  ]);
  const meter = meterOf(world, call);
  const customer = required(params, 'customer');
  if (!world.customers.has(customer)) throw noSuch('customer', customer, 'customer', 400);
  const grouping = textOf(params, 'value_grouping_window');
  const step = grouping === null ? null : WINDOWS[grouping];
  if (step === undefined) {
    throw invalid('value_grouping_window', 'Invalid value_grouping_window: must be one of day or hour');
  }
  const start = aligned(call, 'start_time', step ?? MINUTE_S);
  const end = aligned(call, 'end_time', step ?? MINUTE_S);
  if (end <= start) throw invalid('end_time', 'end_time must be after start_time.');
  const found = eventsOf(world, meter, customer, start, end, now - lagMs);
  const windows =
    step === null
      ? [start]
      : [...new Set(found.map((event) => event.timestamp - (event.timestamp % step)))].sort((a, b) => a - b);
  const rows =
    found.length === 0
      ? []
      : windows.map((from) => {
          const to = step === null ? end : from + step;
          const inside = found.filter(({ timestamp }) => timestamp >= from && timestamp < to);
          return {
            id: `mtrusg_${meter.id}_${customer}_${from}_${to}`,
            object: 'billing.meter_event_summary',
            aggregated_value: `${MARK}${formatDecimal(aggregate(meter, inside))}`,
            end_time: to,
            livemode: world.live,
            meter: meter.id,
            start_time: from,
          };
        });
  return { answer: withNumbers(listPage(params, path, rows)) };
}

/** The events of a meter and customer in [start, end), epoch seconds, as far as they had come by `known`, epoch ms. */
export function eventsOf(
  world: World,
  { id }: Meter,
  customer: string,
  start: number,
  end: number,
  known: number,
): MeterEvent[] {
  return (world.usage.get(usageKey(id, customer)) ?? []).filter(
    ({ timestamp, received, cancelled }) =>
      !cancelled && timestamp >= start && timestamp < end && received <= known,
  );
}

/** What a meter makes of events, exactly. */
export function aggregate(
  { default_aggregation: { formula }, event_time_window: window }: Meter,
  events: readonly MeterEvent[],
): Decimal {
  if (formula === 'count') return { units: BigInt(events.length), scale: 0 };
  if (formula === 'last')
    return (
      events.reduce<MeterEvent | null>(
        (last, one) => (last === null || one.timestamp >= last.timestamp ? one : last),
        null,
      )?.value ?? ZERO
    );
  const counted = window === null ? events : lastOfEach(events, WINDOWS[window] ?? 1);
  return counted.reduce((sum, { value }) => addDecimals(sum, value), ZERO);
}

/** A meter with a time window keeps the most recently received event of each. */
function lastOfEach(events: readonly MeterEvent[], step: number): MeterEvent[] {
  return [...new Map(events.map((event) => [Math.floor(event.timestamp / step), event])).values()];
}

function aligned({ params }: Call, name: string, step: number): number {
  required(params, name);
  const time = wholeOf(params, name) ?? 0;
  if (time % step === 0) return time;
  const unit = step === MINUTE_S ? 'minute' : step === 3600 ? 'hour' : 'day';
  throw invalid(name, `Invalid ${name}: ${time} is not aligned with ${unit} boundaries (UTC).`);
}

/** A JSON number with all its digits: a double could not carry every sum. */
const MARK = 'exactly ';
const withNumbers = (answer: Answer): Answer => ({
  ...answer,
  body: answer.body.replace(/"exactly (-?[\d.]+)"/g, '$1'),
});
