import { crc32 } from 'node:zlib';
import type { AuditEntry } from '../../core/audit.ts';
import type { Rate } from '../../core/gate/layout.ts';
import type { Key, Secret } from '../../core/keys/key.ts';
import { LIMITS } from '../../core/plans.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';

/** How the tenants table's items are keyed, and back again. */
export const tenantPk = (id: string): string => `TENANT#${id}`;
export const profileKey = (id: string) => ({ PK: tenantPk(id), SK: 'PROFILE' });
export const keyKey = (tenantId: string, keyId: string) => ({ PK: tenantPk(tenantId), SK: `KEY#${keyId}` });
export const keyNameKey = (tenantId: string, name: string) => ({
  PK: tenantPk(tenantId),
  SK: `KEYNAME#${name}`,
});

/** Marks the one tenant that a Stripe customer pays for. */
export const customerKey = (customer: string) => ({ PK: `CUSTOMER#${customer}`, SK: 'LINK' });

/** Profiles are spread over so many partitions of the list index. */
export const SHARDS = 8;
export const shardPk = (shard: number): string => `TENANT#${shard}`;
const shardOf = (id: string): number => crc32(id) % SHARDS;

/** Audit entries that are no tenant's. */
const SHARED_PK = 'SHARED';

export const auditDayPk = (day: string): string => `AUDIT#${day}`;
export const auditSort = (entry: Pick<AuditEntry, 'at' | 'id'>): string => `${entry.at}#${entry.id}`;

type Item = Record<string, unknown>;

export const profileItem = (tenant: Tenant): Item => ({
  ...tenant,
  ...profileKey(tenant.id),
  LPK: shardPk(shardOf(tenant.id)),
  LSK: tenant.id,
});

export const keyItem = (key: Key): Item => ({ ...key, ...keyKey(key.tenantId, key.keyId) });

export const auditItem = (entry: AuditEntry): Item => ({
  ...entry,
  PK: entry.tenantId === null ? SHARED_PK : tenantPk(entry.tenantId),
  SK: `AUDIT#${auditSort(entry)}`,
  LPK: auditDayPk(entry.at.slice(0, 10)),
  LSK: auditSort(entry),
});

/**
 * Items back as values, their fields in the order in which users see them: DynamoDB keeps none, and two
 * equal values must also read equal.
 */
export function tenantOf(item: Item): Tenant {
  const {
    id,
    name,
    plan,
    isolation,
    status,
    limits,
    overrides,
    rate,
    overage,
    lease = 1,
    stripeCustomerId,
    billFrom = null,
    lateAt = null,
    apiUrl = null,
    operation = null,
    failure = null,
    createdAt,
    updatedAt,
    version,
  } = item as unknown as Tenant;
  const { apiCallsPerMonth, storageBytes, maxUsers } = limits;
  return {
    id,
    name,
    plan,
    isolation,
    status,
    limits: { apiCallsPerMonth, storageBytes, maxUsers },
    overrides: inOrder(overrides, LIMITS),
    rate: rateOf(rate),
    overage,
    lease,
    stripeCustomerId,
    billFrom,
    lateAt,
    apiUrl,
    operation: operation === null ? null : inOrder(operation, ['id', 'actor', 'startedAt', 'heldUntil']),
    failure: failure === null ? null : inOrder(failure, ['during', 'step', 'error', 'at', 'resumable']),
    createdAt,
    updatedAt,
    version,
  };
}

export function keyOf(item: Item): Key {
  const {
    keyId,
    tenantId,
    name,
    env,
    prefix,
    scopes,
    rate,
    createdAt,
    revokedAt,
    secrets,
    rotation,
    version,
  } = item as unknown as Key;
  return {
    keyId,
    tenantId,
    name,
    env,
    prefix,
    scopes,
    rate: rate === null ? null : rateOf(rate),
    createdAt,
    revokedAt,
    secrets: secrets.map(secretOf),
    rotation: rotation === null ? null : inOrder(rotation, ['oldSecretId', 'newSecretId', 'graceEndsAt']),
    version,
  };
}

export function auditEntryOf(item: Item): AuditEntry {
  const { id, at, actor, action, tenantId, keyId, changes, requestId } = item as unknown as AuditEntry;
  const ordered = changes.map((change) => inOrder(change, ['field', 'from', 'to']));
  return { id, at, actor, action, tenantId, keyId, changes: ordered, requestId };
}

const rateOf = ({ perSecond, burst }: Rate): Rate => ({ perSecond, burst });

const secretOf = (secret: Secret): Secret =>
  inOrder(secret, ['secretId', 'last4', 'createdAt', 'expiresAt', 'ownExpiresAt', 'revokedAt']);

/** The same value with its fields in this order; what is absent stays absent. */
function inOrder<T extends object>(value: T, fields: readonly (keyof T)[]): T {
  return Object.fromEntries(
    fields.filter((field) => field in value).map((field) => [field, value[field]]),
  ) as T;
}
