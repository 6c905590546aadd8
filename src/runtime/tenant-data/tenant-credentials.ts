import { createLru } from '../lru.ts';
import type { Credentials } from '../wire/client.ts';

export interface TenantCredentialsOptions {
  /** Asks for a tenant's session; told the tenant alone, so that no other's can come back. */
  assume: (tenantId: string) => Promise<Credentials & { expiration: Date }>;
  /** Epoch ms. */
  now?: (() => number) | undefined;
  /** Tenants that are remembered at most. */
  max?: number | undefined;
}

interface Kept {
  credentials: Credentials;
  /** Epoch ms: asked for again from then on, and used up to the end while that fails. */
  renewAt: number;
  endsAt: number;
}

const RENEW_AFTER_MS = 50 * 60_000;
/** A call that has begun must not outlive them, ms. */
const SPARE_MS = 60_000;
/** A renewal that failed while the old session holds is tried again no sooner than this, ms. */
const AGAIN_MS = 10_000;
const MAX_TENANTS = 1_000;

/**
 * The credentials of each tenant: one session serves its calls for 50 minutes, however many ask at once. A failure
 * is told to those who waited and forgotten; a session that still holds outlives it.
 */
export function createTenantCredentials({
  assume,
  now = Date.now,
  max = MAX_TENANTS,
}: TenantCredentialsOptions): (tenantId: string) => Promise<Credentials> {
  const kept = createLru<Kept>(max);
  const asking = new Map<string, Promise<Credentials>>();

  async function ask(tenantId: string): Promise<Credentials> {
    const asked = now();
    const { expiration, ...credentials } = await assume(tenantId);
    const endsAt = expiration.getTime() - SPARE_MS;
    kept.set(tenantId, { credentials, renewAt: Math.min(asked + RENEW_AFTER_MS, endsAt), endsAt });
    return credentials;
  }

  return async (tenantId) => {
    const known = kept.get(tenantId);
    if (known !== undefined && now() < known.renewAt) return known.credentials;
    let waiting = asking.get(tenantId);
    if (waiting === undefined) {
      waiting = ask(tenantId).finally(() => asking.delete(tenantId));
      asking.set(tenantId, waiting);
    }
    try {
      return await waiting;
    } catch (error) {
      if (known === undefined || now() >= known.endsAt) throw error;
      known.renewAt = Math.min(now() + AGAIN_MS, known.endsAt);
      return known.credentials;
    }
  };
}
