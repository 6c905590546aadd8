import type { IdentityReason } from '../core/gate/decide.ts';
import type { RateLimitHeaders } from '../core/gate/limits.ts';
import type { Tenant } from '../core/gate/tenant.ts';

/** What the gate says of one presented key. `retryAfter`: whole seconds, at least 1. */
export type Outcome =
  | { outcome: 'allowed'; tenant: Tenant; headers: RateLimitHeaders | null }
  /** The reason is for logs and operators: callers are told none. */
  | { outcome: 'refused'; reason: IdentityReason | 'malformed' | 'environment' }
  | {
      outcome: 'limited';
      by: 'rate' | 'quota';
      tenantId: string;
      retryAfter: number;
      headers: RateLimitHeaders | null;
    }
  /** Not the caller's fault: the gate could not be asked, or may have counted without saying so. */
  | { outcome: 'unavailable'; retryAfter: number };

/** Asks a tenant's gate whether a call may pass, and counts it if so. */
export interface Gate {
  /** Never throws: what cannot be answered is `unavailable`. */
  check(presentedKey: string): Promise<Outcome>;
  /** Opens a connection ahead of the first call. */
  warm(): Promise<void>;
}

export const UNAVAILABLE: Outcome = { outcome: 'unavailable', retryAfter: 1 };

export const refused = (reason: (Outcome & { outcome: 'refused' })['reason']): Outcome => ({
  outcome: 'refused',
  reason,
});
