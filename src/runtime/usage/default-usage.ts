import { refuseOthers } from '../caller.ts';
import { defaultWire } from '../default-wire.ts';
import { processEnvironment, processLog } from '../settings.ts';
import type { TenantRef, UsageClient } from './calls.ts';
import { createUsage } from './client.ts';
import { tenantIdOf } from './failure.ts';
import { parseUsageSettings } from './settings.ts';

let client: UsageClient | undefined;

/** For that tenant, who is the caller where one is served. */
function usageOf(tenant: TenantRef): UsageClient {
  refuseOthers(tenantIdOf(tenant));
  client ??= createUsage({ ...defaultWire(), ...parseUsageSettings(processEnvironment()), log: processLog });
  return client;
}

/**
 * Adds an amount of a metric to a tenant's usage of a UTC day. With an `id` it is counted exactly once however
 * often it is recorded within the dedupe window; in doubt it throws `usage_ambiguous`, and may be recorded again
 * under its id. Without one it is sent once and never repeated: `recorded: 'unknown'` where the answer was lost.
 * Throws for an unknown metric, and for an amount that is negative, no number, or finer than the metric's scale.
 */
export const recordUsage: UsageClient['recordUsage'] = async (tenant, ...more) =>
  usageOf(tenant).recordUsage(tenant, ...more);

/** Many events of one tenant as one write a day and metric, all or none; once for ever under an `id`. */
export const recordUsageBatch: UsageClient['recordUsageBatch'] = async (tenant, ...more) =>
  usageOf(tenant).recordUsageBatch(tenant, ...more);

/**
 * Raises a level under the plan's limit (`storage_bytes`, `users`, or a gauge of your own), or says which limit
 * refuses and how high the level is. With an `id` it changes the level once.
 */
export const claim: UsageClient['claim'] = async (tenant, ...more) => usageOf(tenant).claim(tenant, ...more);

/** Lowers a level; never below zero. With an `id` it changes the level once. */
export const release: UsageClient['release'] = async (tenant, ...more) =>
  usageOf(tenant).release(tenant, ...more);
