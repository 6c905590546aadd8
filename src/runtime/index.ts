// What `saasctl/runtime` exports to a customer's Lambda.
export { SaasctlError } from '../core/errors.ts';
export type { Tenant } from '../core/gate/tenant.ts';
export type { BatchGetResult, BatchWrite, BatchWriteResult } from './tenant-data/batch.ts';
export { type TenantCredentials, type TenantDataOptions, tenantData } from './tenant-data/default.ts';
export {
  Ambiguous,
  ConditionFailed,
  Forbidden,
  InvalidCursor,
  Rejected,
  type TenantDataFault,
  Throttled,
} from './tenant-data/errors.ts';
export type { Conditional } from './tenant-data/expressions.ts';
export type { NewItem, StoredItem } from './tenant-data/own-keys.ts';
export type { QueryOptions, QueryPage, SortKeyCondition } from './tenant-data/query.ts';
export type { GetOptions, TenantData, TenantRef } from './tenant-data/tenant-data.ts';
export type { TransactWrite } from './tenant-data/transact.ts';
export { Decimal, type Value } from './tenant-data/values.ts';
export type { Claimed, Recorded, RecordOptions, UsageEventInput } from './usage/calls.ts';
export { claim, recordUsage, recordUsageBatch, release } from './usage/default-usage.ts';
export { type HttpEvent, type TenantHandler, type WithTenantOptions, withTenant } from './with-tenant.ts';
