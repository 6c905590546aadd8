// What `saasctl/runtime` exports to a customer's Lambda.
export type { Tenant } from '../core/gate/tenant.ts';
export { type HttpEvent, type TenantHandler, type WithTenantOptions, withTenant } from './with-tenant.ts';
