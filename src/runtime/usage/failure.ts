import { SaasctlError } from '../../core/errors.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import type { TenantRef } from './calls.ts';
import type { Written } from './writes.ts';

export const tenantIdOf = (tenant: TenantRef): string =>
  checkTenantId(typeof tenant === 'string' ? tenant : tenant.tenantId);

/** Usage that was provably not written, or of which that is not known. */
export function usageFailure(
  written: Exclude<Written, { kind: 'applied' | 'refused' }>,
  doing: string,
  hint: string,
): SaasctlError {
  const ambiguous = written.kind === 'ambiguous';
  return new SaasctlError({
    code: ambiguous ? 'usage_ambiguous' : written.kind === 'failed' ? 'usage_failed' : 'usage_unavailable',
    category: 'remote',
    message: `could not ${doing}: ${written.message || ('code' in written ? written.code : written.reason)}`,
    hint,
    retryable: written.kind !== 'failed',
  });
}
