import type { IdentityReason } from '../core/gate/decide.ts';
import type { KeyMapping } from '../core/gate/layout.ts';
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

/** Who calls, once that is established: by a key's mapping, or by a verified token. */
export type Identity = KeyMapping;

export interface AdmitOptions {
  /** In place of those that the key has on the gate. */
  scopes?: readonly string[] | undefined;
}

/** Asks a tenant's gate whether a call may pass, and counts it if so. */
export interface Gate {
  /** Never throws: what cannot be answered is `unavailable`. */
  check(presentedKey: string): Promise<Outcome>;
  /** The same for a caller who is already known. Never throws. */
  admit(identity: Identity, options?: AdmitOptions): Promise<Outcome>;
  /** Bills what leases have served so far and ends them: for a sandbox about to stop. Never throws. */
  settle(): Promise<void>;
  /** Opens a connection ahead of the first call. */
  warm(): Promise<void>;
}

/** Compute time that travels with a tenant's next gate write, so that it costs no write of its own. */
export interface Rider {
  /** Takes what waits for that tenant on that UTC day; `null` when nothing does. */
  take(tenantId: string, day: string): Load | null;
  /** Puts back what was taken, after a write that was provably not applied. */
  giveBack(tenantId: string, day: string, load: Load): void;
}

/** Compute time, and since when the oldest of it waits, epoch ms. */
export interface Load {
  ms: number;
  since: number;
}

export const UNAVAILABLE: Outcome = { outcome: 'unavailable', retryAfter: 1 };

export const refused = (reason: (Outcome & { outcome: 'refused' })['reason']): Outcome => ({
  outcome: 'refused',
  reason,
});
