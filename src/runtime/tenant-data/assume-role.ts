import { SaasctlError } from '../../core/errors.ts';
import type { Credentials } from '../wire/client.ts';
import type { Service } from '../wire/service.ts';

/** A session that may touch one tenant's items alone, and when it ends. */
export type TenantSession = Credentials & { expiration: Date };

/** The longest that a role may last which is taken by another role's session. */
const DURATION_S = 3_600;

/**
 * Takes a role for one tenant: the session's tag `TenantId` is the tenant's id, which the role's policy compares
 * with the keys of each request (STS, AssumeRole). Throws `tenant_role_unavailable` (retryable) or
 * `tenant_role_refused`; neither holds a credential.
 */
export async function assumeTenantRole(
  sts: Service,
  roleArn: string,
  tenantId: string,
): Promise<TenantSession> {
  const form = {
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: roleArn,
    // A tenant id is a session name too: CloudTrail shows for whom the function acted.
    RoleSessionName: tenantId,
    DurationSeconds: String(DURATION_S),
    'Tags.member.1.Key': 'TenantId',
    'Tags.member.1.Value': tenantId,
  };
  const answer = await sts.ask({
    type: 'application/x-www-form-urlencoded; charset=utf-8',
    body: new URLSearchParams(form).toString(),
  });
  if (!answer.ok) {
    const { passing, code, said } = answer;
    throw passing ? unavailable(roleArn, tenantId, code) : refused(roleArn, tenantId, said ?? code);
  }
  const session = sessionIn(answer.text);
  if (session === null) throw unavailable(roleArn, tenantId, 'an answer without credentials');
  return session;
}

function sessionIn(xml: string): TenantSession | null {
  const [accessKeyId, secretAccessKey, sessionToken, ends] = [
    'AccessKeyId',
    'SecretAccessKey',
    'SessionToken',
    'Expiration',
  ].map((name) => new RegExp(`<${name}>\\s*([^<\\s]+)\\s*</${name}>`).exec(xml)?.[1]);
  const expiration = new Date(ends ?? '');
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiration.getTime())) return null;
  return { accessKeyId, secretAccessKey, sessionToken, expiration };
}

const unavailable = (roleArn: string, tenantId: string, why: string): SaasctlError =>
  new SaasctlError({
    code: 'tenant_role_unavailable',
    category: 'remote',
    message: `${roleArn} could not be assumed for ${tenantId}: ${why}`,
    hint: 'nothing was read or written; the same call may be made again',
    retryable: true,
  });

const refused = (roleArn: string, tenantId: string, why: string): SaasctlError =>
  new SaasctlError({
    code: 'tenant_role_refused',
    category: 'auth',
    message: `${roleArn} may not be assumed for ${tenantId}: ${why}`,
    hint: 'the function’s role needs sts:AssumeRole and sts:TagSession on it, and has to be one that it trusts',
    next: 'saasctl deploy status',
  });
