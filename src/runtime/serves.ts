import { isTenantId } from '../core/tenants/tenant.ts';
import { type Environment, refuse } from './settings.ts';

/** Which tenants a function serves. `all` is for one that is not deployed. */
export type Serves = { kind: 'all' } | { kind: 'pool' } | { kind: 'silo'; tenantId: string };

/**
 * `SAASCTL_SERVES`: `pool` (whoever has no stack of their own), `silo:<tenant id>` (that tenant alone), all unless
 * set. Throws a configuration error.
 */
export function servesFrom(env: Environment): Serves {
  const value = env['SAASCTL_SERVES'];
  if (!value) return { kind: 'all' };
  if (value === 'pool') return { kind: 'pool' };
  const tenantId = value.startsWith('silo:') ? value.slice('silo:'.length) : '';
  if (isTenantId(tenantId)) return { kind: 'silo', tenantId };
  return refuse('SAASCTL_SERVES', `is '${value}'`, 'it is pool or silo:<tenant id>');
}

/** Whether a tenant is one of those. A silo tenant’s own functions serve it, and no others do. */
export function isServed(
  serves: Serves,
  { tenantId, isolation }: { tenantId: string; isolation: string },
): boolean {
  switch (serves.kind) {
    case 'all':
      return true;
    case 'pool':
      return isolation !== 'silo';
    case 'silo':
      return tenantId === serves.tenantId;
  }
}
