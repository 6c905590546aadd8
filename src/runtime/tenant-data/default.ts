import { randomBytes } from 'node:crypto';
import { SaasctlError } from '../../core/errors.ts';
import { defaultWire } from '../default-wire.ts';
import type { Log } from '../log.ts';
import { providedCredentials, renewing } from '../provided-credentials.ts';
import { type Environment, parseSettings, processEnvironment, processLog } from '../settings.ts';
import { type CredentialSource, type Credentials, createWire, type Wire } from '../wire/client.ts';
import { openTenantData, type TenantData, type TenantRef } from './tenant-data.ts';

export interface TenantDataOptions {
  /**
   * The tenant's own credentials, such as a session that may touch its items alone; the function's unless given.
   * Asked for with the first call, and again shortly before `expiration`.
   */
  credentialsFor?: ((tenantId: string) => Promise<TenantCredentials>) | undefined;
}

export type TenantCredentials = Credentials & { expiration?: Date | undefined };

/**
 * The tenant's own items, in the shared table or in the tenant's own. Throws a configuration error where the
 * function's environment does not say which stack it belongs to, and `Forbidden` for what is no tenant.
 */
export function tenantData(tenant: TenantRef, options: TenantDataOptions = {}): TenantData {
  const { stack, wire } = defaultWire();
  const { credentialsFor } = options;
  let own: Wire | undefined;
  return openTenantData(tenant, {
    stack,
    secret: cursorSecret,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    wireFor(tenantId) {
      if (credentialsFor === undefined) return wire;
      own ??= wireWith(renewing(() => credentialsFor(tenantId)));
      return own;
    },
  });
}

function wireWith(credentials: CredentialSource): Wire {
  const { endpoint, region, timeoutMs } = parseSettings(processEnvironment(), providedCredentials);
  return createWire({ endpoint, region, credentials, timeoutMs });
}

let secret: string | undefined;

function cursorSecret(): string {
  secret ??= cursorSecretFrom(processEnvironment(), processLog);
  return secret;
}

const MIN_SECRET = 16;

/** What cursors are signed with. Throws a configuration error for one that can be guessed. */
export function cursorSecretFrom(env: Environment, log: Log): string {
  const secret = env['SAASCTL_CURSOR_SECRET'];
  if (secret && secret.length >= MIN_SECRET) return secret;
  if (secret) {
    throw new SaasctlError({
      code: 'bad_setting',
      category: 'config',
      message: `SAASCTL_CURSOR_SECRET has ${secret.length} characters`,
      hint: `it needs at least ${MIN_SECRET}`,
      next: 'set it in the function’s environment; saasctl deploy does',
    });
  }
  // Good within this sandbox alone: better a cursor that another sandbox refuses than one that anybody can make.
  const message = 'SAASCTL_CURSOR_SECRET is not set: cursors are good within one sandbox only';
  log({ level: 'warn', event: 'cursor_secret_missing', message });
  return randomBytes(32).toString('base64url');
}
