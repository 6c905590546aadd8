import { refuseOthers } from '../caller.ts';
import { openedWire } from '../default-wire.ts';
import { renewing } from '../provided-credentials.ts';
import { isServed, type Serves, servesFrom } from '../serves.ts';
import { type Environment, endpointOf, processEnvironment, refuse } from '../settings.ts';
import type { Credentials, Wire } from '../wire/client.ts';
import { createService } from '../wire/service.ts';
import { assumeTenantRole } from './assume-role.ts';
import { defaultCursorSecret } from './cursor-secret.ts';
import { Forbidden } from './errors.ts';
import { createTenantCredentials } from './tenant-credentials.ts';
import { openTenantData, type TenantData, type TenantRef } from './tenant-data.ts';

export interface TenantDataOptions {
  /**
   * The tenant's own credentials in place of those that the function's environment describes: a session of
   * `SAASCTL_TENANT_ROLE_ARN` that may touch the tenant's items alone, else the function's own. Asked for with the
   * first call, and again shortly before `expiration`.
   */
  credentialsFor?: ((tenantId: string) => Promise<TenantCredentials>) | undefined;
}

export type TenantCredentials = Credentials & { expiration?: Date | undefined };

/**
 * The tenant's own items, in the shared table or in the tenant's own. Throws a configuration error where the
 * function's environment does not say which stack it belongs to, and `Forbidden` for what is no tenant, or none
 * that this function serves.
 */
export function tenantData(tenant: TenantRef, options: TenantDataOptions = {}): TenantData {
  const { stack, wire, wireAs } = openedWire();
  const { serves, credentialsOf } = access();
  const { tenantId, isolation = 'pool' } = tenant;
  if (!isServed(serves, { tenantId, isolation }))
    throw new Forbidden('this function does not serve the tenant');
  const { credentialsFor } = options;
  let own: Wire | undefined;
  return openTenantData(
    { tenantId, isolation },
    {
      stack,
      secret: defaultCursorSecret,
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      wireFor(id) {
        // With each call: it may have been opened for the caller before.
        refuseOthers(id);
        if (credentialsFor !== undefined) own ??= wireAs(renewing(() => credentialsFor(id)));
        else if (credentialsOf !== null) own ??= wireAs(() => credentialsOf(id));
        return own ?? wire;
      },
    },
  );
}

/** STS is slower than DynamoDB, and asked once in 50 minutes. */
const STS_TIMEOUT_MS = 3_000;

interface Access {
  serves: Serves;
  /** `null`: with the function's own. */
  credentialsOf: ((tenantId: string) => Promise<Credentials>) | null;
}

let opened: Access | undefined;

/** Whom the sandbox may serve and with whose credentials. */
function access(): Access {
  opened ??= accessFrom(processEnvironment());
  return opened;
}

function accessFrom(env: Environment): Access {
  const serves = servesFrom(env);
  const roleArn = tenantRole(env);
  // A silo's functions have a role of their own, which reaches the tenant's table and no other.
  if (roleArn === null || serves.kind === 'silo') return { serves, credentialsOf: null };
  const { region, credentials, ...wire } = openedWire();
  const endpoint = endpointOf(env, region, 'sts');
  const timeoutMs = Math.max(wire.timeoutMs, STS_TIMEOUT_MS);
  const sts = createService({ service: 'sts', endpoint, region, credentials, timeoutMs });
  const assume = (tenantId: string) => assumeTenantRole(sts, roleArn, tenantId);
  return { serves, credentialsOf: createTenantCredentials({ assume }) };
}

const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

/** The role to take for a tenant; `null`: none. Throws a configuration error. */
function tenantRole(env: Environment): string | null {
  const arn = env['SAASCTL_TENANT_ROLE_ARN'];
  if (!arn) return null;
  if (ROLE_ARN.test(arn)) return arn;
  return refuse('SAASCTL_TENANT_ROLE_ARN', `is '${arn}'`, 'it is the ARN of a role');
}
