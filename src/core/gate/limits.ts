import { monthOf } from '../time.ts';
import { type GateItem, type GateKey, NEVER } from './layout.ts';

/** Largest integer a structured HTTP field can carry (RFC 9651). */
const MAX_FIELD = 999_999_999_999_999;

/** Start of the UTC month after `now`, both epoch µs: when a used-up quota is whole again. */
export function nextMonth(now: number): number {
  const date = new Date(now / 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) * 1000;
}

function monthStart(now: number): number {
  const date = new Date(now / 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) * 1000;
}

/** Calls counted in the month of `now` (epoch µs). */
export function callsThisMonth(gate: Pick<GateItem, 'm'>, now: number): number {
  const month = monthOf(now / 1000);
  return Object.hasOwn(gate.m, month) ? (gate.m[month] as number) : 0;
}

/** Where a key's bucket stands. `resetAt`: epoch µs from which it is full again. */
interface BucketStanding {
  burst: number;
  remaining: number;
  resetAt: number;
}

/** The bucket at `now` (epoch µs), or `null` where the key has no rate limit. */
export function bucketStanding(
  key: Pick<GateKey, 'T' | 'bm' | 'aat' | 'tat'>,
  now: number,
): BucketStanding | null {
  if (key.T === 0) return null;
  const burst = key.bm / key.T + 2;
  const partly = key.aat > now ? 0 : Math.floor((now - key.aat) / key.T) + 1;
  return { burst, remaining: key.tat <= now ? burst : partly, resetAt: key.tat };
}

/** Where the month stands. `resetAt`: epoch µs of the next month. */
interface QuotaStanding {
  limit: number;
  remaining: number;
  resetAt: number;
}

/** The monthly quota at `now` (epoch µs), or `null` where the month is not limited or overage is billed. */
export function quotaStanding(gate: Pick<GateItem, 'limit' | 'm'>, now: number): QuotaStanding | null {
  if (gate.limit >= NEVER) return null;
  const remaining = Math.max(0, gate.limit - callsThisMonth(gate, now));
  return { limit: gate.limit, remaining, resetAt: nextMonth(now) };
}

/** Whole seconds from `now` to `then` (epoch µs), at least 1: what `Retry-After` carries. */
export function secondsUntil(then: number, now: number): number {
  return Math.max(1, Math.ceil((then - now) / 1_000_000));
}

export interface RateLimitHeaders {
  ratelimit: string;
  'ratelimit-policy': string;
}

/** What of a gate the limits need. */
export type LimitsPart = Pick<GateItem, 'limit' | 'm'> & {
  k: Record<string, Pick<GateKey, 'T' | 'bm' | 'aat' | 'tat'>>;
};

/**
 * The `RateLimit` and `RateLimit-Policy` fields (draft-ietf-httpapi-ratelimit-headers-10) for a key, or `null`
 * where nothing limits it. `w` of the rate is the time an empty bucket takes to fill. `held`: calls that the
 * gate counts and a lease still holds.
 */
export function rateLimitHeaders(
  gate: LimitsPart,
  keyId: string,
  now: number,
  held = 0,
): RateLimitHeaders | null {
  const key = gate.k[keyId] as LimitsPart['k'][string];
  const bucket = bucketStanding(key, now);
  const quota = quotaStanding(gate, now);
  const policy: string[] = [];
  const state: string[] = [];
  if (bucket) {
    policy.push(`"rate";q=${bucket.burst};w=${secondsUntil(bucket.burst * key.T, 0)}`);
    // A bucket may be full again while a lease still holds some of it.
    const remaining = Math.min(bucket.burst, bucket.remaining + held);
    state.push(`"rate";r=${remaining};t=${bucket.resetAt > now ? secondsUntil(bucket.resetAt, now) : 0}`);
  }
  if (quota) {
    policy.push(`"quota";q=${field(quota.limit)};w=${secondsUntil(quota.resetAt, monthStart(now))}`);
    state.push(`"quota";r=${field(quota.remaining + held)};t=${secondsUntil(quota.resetAt, now)}`);
  }
  return policy.length === 0 ? null : { ratelimit: state.join(', '), 'ratelimit-policy': policy.join(', ') };
}

const field = (count: number): number => Math.min(count, MAX_FIELD);
