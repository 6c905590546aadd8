import { dayOf } from '../time.ts';
import { type Gauge, hourOf } from './gauge.ts';
import { type ItemWrite, usageKey } from './layout.ts';
import type { UsageItem } from './usage.ts';

/** Hours missed by a sampler that did not run are made up so many days back; before that they are lost. */
export const MADE_UP_DAYS = 7;

const DAY_MS = 86_400_000;

/** The first day of whose hours a sampler at `now` (epoch ms) may still make up. */
export const firstSampledDay = (now: number): string => dayOf(now - MADE_UP_DAYS * DAY_MS);

/**
 * A gauge's hours that are not yet counted, one conditional write a day. An hour counts once, with the level of
 * the first sample in it; a missed hour with the level that is held now. The running hour counts whole. The
 * day's highest level is exact, from what the gauge itself keeps. Sampled again in one hour, it writes nothing
 * or only a higher maximum.
 */
export function samplePlan(
  tenantId: string,
  gauge: Gauge,
  counted: readonly UsageItem[],
  now: number,
): ItemWrite[] {
  const today = dayOf(now);
  const born = gauge.since * 3_600_000;
  const first = dayOf(Math.max(born, Date.parse(firstSampledDay(now))));
  const writes: ItemWrite[] = [];
  for (let at = Date.parse(first); dayOf(at) <= today; at += DAY_MS) {
    const day = dayOf(at);
    const item = counted.find((one) => one.day === day && one.metric === gauge.metric);
    const from = item?.through ?? Math.max(0, gauge.since - hourOf(at));
    const through = day === today ? hourOf(now) - hourOf(at) + 1 : 24;
    const hours = Math.max(0, through - from);
    const max = Math.max(item?.max ?? 0, highOn(gauge, day), hours > 0 ? gauge.level : 0);
    if (hours > 0 || max > (item?.max ?? 0)) {
      writes.push(sampleWrite(tenantId, gauge, day, item, { hours, through: from + hours, max }));
    }
  }
  return writes;
}

/** The highest level of a day, as far as the gauge knows it. */
function highOn({ level, below, day: changed, previous }: Gauge, day: string): number {
  if (day === changed) return level + below;
  if (day > changed) return level;
  return previous?.day === day ? previous.high : 0;
}

function sampleWrite(
  tenantId: string,
  { metric, level }: Gauge,
  day: string,
  item: UsageItem | undefined,
  to: { hours: number; through: number; max: number },
): ItemWrite {
  const stands = item?.through === undefined ? 'attribute_not_exists(#through)' : '#through = :from';
  return {
    table: 'usageMeters',
    update: {
      Key: usageKey(tenantId, day, metric),
      UpdateExpression: 'SET #amount = if_not_exists(#amount, :zero) + :add, #through = :to, #max = :max',
      // A second sampler that saw a higher level first is not undone.
      ConditionExpression: `${stands} AND (attribute_not_exists(#max) OR #max <= :max)`,
      ExpressionAttributeNames: { '#amount': 'amount', '#through': 'through', '#max': 'max' },
      ExpressionAttributeValues: {
        ':zero': 0,
        ':add': level * to.hours,
        ':to': to.through,
        ':max': to.max,
        ...(item?.through === undefined ? {} : { ':from': item.through }),
      },
    },
  };
}
