/**
 * The gate: the one DynamoDB item per tenant that every request must pass.
 * Attribute names are short because AWS bills an item by its bytes: a gate with eight keys, each with a second secret
 * while it is rotated, stays within 1 KB, and so within one write unit a call (a tenant id of up to 40 characters, no
 * scopes; `gateCost` says it exactly).
 */
export interface GateItem {
  /** `GATE#<tenantId>` */
  PK: string;
  status: GateStatus;
  plan: string;
  /** Calls a month that are let through; `NEVER` where the plan bills overage or has no limit. */
  limit: number;
  /** Calls a month that the plan includes, as shown to users; equals `limit` where overage is blocked. */
  calls: number;
  /** Levels that gauges are held under; `NEVER` when unlimited. */
  bytes: number;
  users: number;
  /** Calls that a busy sandbox takes with one write; absent: 1, so every call is its own write. */
  n?: number;
  /** Where the tenant's data lies, unless in the pool. */
  iso?: 'bridge' | 'silo';
  /** Month (`yyyy-mm`) to calls counted: guards the quota. */
  m: Record<string, number>;
  /** UTC day (`yyyy-mm-dd`) to calls counted: what is billed; `<day>.c` to compute time, ms. */
  u: Record<string, number>;
  /** Key id to its rate state and living secrets. */
  k: Record<string, GateKey>;
}

export type GateStatus = 'active' | 'suspended' | 'deleted';

export interface GateKey {
  /** Emission interval, µs a call. 0: no rate limit. */
  T: number;
  /** (burst − 2) · T, µs: how far back a full bucket puts `aat`. */
  bm: number;
  /** Allowed-at time, epoch µs: while the bucket is not full, the next call passes from here on. */
  aat: number;
  /** Theoretical arrival time, epoch µs: the bucket is full from here on. */
  tat: number;
  /** Last use, epoch µs; 0: never. */
  lu: number;
  /** Whether the rate follows the plan. */
  inh: boolean;
  /** Scopes, joined by spaces; absent when there are none. */
  sc?: string;
  /** Secret id to its expiry, epoch µs; `NEVER` when it has none. */
  s: Record<string, number>;
}

/** No expiry, and unlimited: larger than any time in µs or any count, and still an exact integer. */
export const NEVER = 9_000_000_000_000_000;

export const gatePk = (tenantId: string): string => `GATE#${tenantId}`;
export const keyHashPk = (hash: string): string => `KEY#${hash}`;
export const keyIdPk = (keyId: string): string => `KEYID#${keyId}`;

/** The api-keys item behind a presented key: put once, never changed or deleted, so safe to cache for ever. */
export interface KeyMapping {
  tenantId: string;
  keyId: string;
  secretId: string;
  env: 'live' | 'test';
}

/** A token bucket: `perSecond` calls sustained, `burst` at once. `null`: no rate limit. */
export interface Rate {
  perSecond: number | null;
  burst: number;
}

/** A rate as the gate stores it: integers in µs. */
export function bucketOf(rate: Rate): { T: number; bm: number } {
  if (rate.perSecond === null) return { T: 0, bm: NEVER };
  const T = Math.ceil(1_000_000 / rate.perSecond);
  return { T, bm: (rate.burst - 2) * T };
}
