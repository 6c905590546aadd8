import type { Limits } from '../../core/plans.ts';

/** A tenant, or its id. */
export type TenantRef = string | { tenantId: string };

/**
 * `true`: counted now. `false` with `duplicate`: its id was counted before. `unknown`, only without an id: the answer
 * was lost, so it is counted once or not at all, and must not be recorded again.
 */
export type Recorded = { recorded: true } | { recorded: false; duplicate: true } | { recorded: 'unknown' };

export interface RecordOptions {
  /** Names this event for ever: recorded again within the dedupe window, it is counted once. */
  id?: string | undefined;
  /** `yyyy-mm-dd` in UTC, at most 33 days ago; today unless given. */
  day?: string | undefined;
}

export interface UsageEventInput {
  metric: string;
  /** In the metric's units. */
  amount: number;
  day?: string | undefined;
}

export interface Recorder {
  recordUsage(tenant: TenantRef, metric: string, amount: number, options?: RecordOptions): Promise<Recorded>;
  recordUsageBatch(
    tenant: TenantRef,
    events: readonly UsageEventInput[],
    options?: Pick<RecordOptions, 'id'>,
  ): Promise<Recorded>;
}

/** What a handler knows of its tenant, as far as a claim needs it. */
export interface ClaimingTenant {
  tenantId: string;
  limits: Pick<Limits, 'storageBytes' | 'maxUsers'>;
}

export interface ClaimOptions {
  /** Names this change for ever: made again within the dedupe window, it changes nothing. */
  id?: string | undefined;
  /** Of a gauge of your own, which no plan limits: the level it may reach, in its units; `null`: any. */
  limit?: number | null | undefined;
}

/** `limitName`: what of the plan refuses, `null` for a limit given with the claim. `level`: as it stands, in units. */
export type Claimed =
  | { granted: true; duplicate: boolean }
  | { granted: false; limitName: keyof Limits | null; limit: number; level: number };

export interface Gauges {
  /** Raises a level, or refuses where it would pass its limit. In doubt it throws: with an id it may be asked again. */
  claim(tenant: ClaimingTenant, metric: string, amount: number, options?: ClaimOptions): Promise<Claimed>;
  /** Lowers a level. Throws `release_below_zero` where less is held. */
  release(
    tenant: { tenantId: string },
    metric: string,
    amount: number,
    options?: Pick<ClaimOptions, 'id'>,
  ): Promise<{ released: true; duplicate: boolean }>;
}

/** What a handler may do with usage. */
export interface UsageClient extends Recorder, Gauges {}
