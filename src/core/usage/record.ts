import { createHash } from 'node:crypto';
import { SaasctlError, usageError } from '../errors.ts';
import { eventKey, type ItemWrite, MAX_TRANSACTION, usageKey } from './layout.ts';

/** An amount (integer of 10^-scale units) of one metric on one UTC day. */
export interface UsageLine {
  metric: string;
  amount: number;
  day: string;
}

/** The counter's addition, refused where the sum would no longer be an exact integer. */
export function addWrite(tenantId: string, { day, metric, amount }: UsageLine): ItemWrite {
  return {
    table: 'usageMeters',
    update: {
      Key: usageKey(tenantId, day, metric),
      UpdateExpression: 'ADD #amount :amount',
      ConditionExpression: 'attribute_not_exists(#amount) OR #amount <= :room',
      ExpressionAttributeNames: { '#amount': 'amount' },
      ExpressionAttributeValues: { ':amount': amount, ':room': Number.MAX_SAFE_INTEGER - amount },
    },
  };
}

/** One line a day and metric, so that many events become few writes. Throws where a sum is not exact any more. */
export function mergeLines(lines: readonly UsageLine[]): UsageLine[] {
  const merged = new Map<string, UsageLine>();
  for (const line of lines) {
    const key = `${line.day}#${line.metric}`;
    const amount = (merged.get(key)?.amount ?? 0) + line.amount;
    if (!Number.isSafeInteger(amount)) {
      throw usageError('bad_amount', `${line.metric}: the events add up to more than can be counted exactly`);
    }
    merged.set(key, { ...line, amount });
  }
  return [...merged.values()];
}

/** What is remembered of something done under an id, so that it is not done again. */
export interface UsageEventMark {
  id: string;
  /** What was done, comparable: the same id with anything else is a conflict. */
  what: string;
  /** This attempt: tells its own earlier try, whose answer was lost, from somebody else's. */
  by: string;
}

const DAY_S = 86_400;

/**
 * The dedupe item. Present and living it refuses; past its time it counts as absent, whether or not DynamoDB
 * has swept it yet. `now`: epoch ms.
 */
export function eventWrite(
  tenantId: string,
  { id, what, by }: UsageEventMark,
  dedupeDays: number,
  now: number,
): ItemWrite {
  const seconds = Math.floor(now / 1000);
  return {
    table: 'usageMeters',
    put: {
      Item: { ...eventKey(tenantId, id), what, by, ttl: seconds + dedupeDays * DAY_S },
      ConditionExpression: 'attribute_not_exists(PK) OR #ttl <= :now',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: { ':now': seconds },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

/** An event and all it counts, in one transaction. */
export function recordWrites(
  tenantId: string,
  mark: UsageEventMark,
  lines: readonly UsageLine[],
  dedupeDays: number,
  now: number,
): ItemWrite[] {
  if (lines.length >= MAX_TRANSACTION) throw batchTooLarge(lines.length, MAX_TRANSACTION - 1);
  return [eventWrite(tenantId, mark, dedupeDays, now), ...lines.map((line) => addWrite(tenantId, line))];
}

/** Longer descriptions are kept as their digest: the item stays within one write unit. */
const MAX_WHAT = 300;

/** What recording these lines is, as an event remembers it. A day counts only where the caller gave it. */
export function whatIsRecorded(
  lines: readonly { metric: string; amount: number; day?: string | undefined }[],
): string {
  const text = lines
    .map(({ metric, amount, day }) => `${metric} ${amount}${day === undefined ? '' : ` on ${day}`}`)
    .sort()
    .join(', ');
  return text.length <= MAX_WHAT
    ? text
    : `${lines.length} amounts ${createHash('sha256').update(text).digest('base64url')}`;
}

/**
 * What the event that stands in the way means. Throws a conflict where its id was used for something else.
 * `old`: the item as DynamoDB keeps it.
 */
export function standingEvent(
  mark: UsageEventMark,
  old: Readonly<Record<string, unknown>> | null,
): 'own' | 'duplicate' {
  if (old !== null && old['what'] !== mark.what) {
    throw new SaasctlError({
      code: 'event_conflict',
      category: 'conflict',
      message: `event ${JSON.stringify(mark.id)} was used already, for something else`,
      hint: `it was ${String(old['what'])}; now it would be ${mark.what}`,
    });
  }
  return old !== null && old['by'] === mark.by ? 'own' : 'duplicate';
}

/** An event's id: what the caller knows it by. */
export function checkEventId(id: string): string {
  if (typeof id === 'string' && /^[\x21-\x7e]{1,200}$/.test(id)) return id;
  throw usageError('bad_event_id', `${JSON.stringify(String(id).slice(0, 60))} is not an event id`, {
    hint: 'an id is 1 to 200 visible ASCII characters, such as an order number or a message id',
  });
}

/** More lines than one transaction takes. */
export const batchTooLarge = (lines: number, most: number): SaasctlError =>
  usageError('batch_too_large', `a batch counts on ${lines} days and metrics, at most ${most}`, {
    hint: 'split it, each part under an id of its own',
  });

/** A counter that cannot take an amount and stay an exact integer. */
export function counterFull(lines: readonly UsageLine[]): SaasctlError {
  return new SaasctlError({
    code: 'counter_full',
    category: 'conflict',
    message: `the usage of a day would pass 2^53 and no longer be exact: ${lines.map(({ metric, day }) => `${metric} on ${day}`).join(', ')}`,
    hint: 'nothing was counted; declare the metric with a smaller scale',
  });
}
