import { type Tenant, tenantNotFound } from '../core/tenants/tenant.ts';

/** The tenant, deleted or not, or the error that says there never was one. */
export async function existing(tenant: Promise<Tenant | null>, id: string): Promise<Tenant> {
  const found = await tenant;
  if (found === null) throw tenantNotFound(id);
  return found;
}
