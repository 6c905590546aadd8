import type { TenantMutation } from '../../core/mutation.ts';
import type { TenantInput } from '../../core/tenants/mutations.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import type { Context } from '../context.ts';

/** Stands for the customer that is made once everything else is known to be right. */
const TO_BE_MADE = '(new customer)';

/**
 * A tenant's change that also makes its Stripe customer, where it has none: the rest is planned first, so that no
 * customer is made for what is refused. Made twice, it is the same customer.
 */
export async function withCustomer(
  cx: Context,
  existing: Tenant | null,
  id: string,
  dryRun: boolean,
  plan: (input: Pick<TenantInput, 'stripeCustomerId'>) => TenantMutation,
): Promise<TenantMutation> {
  const linked = existing?.stripeCustomerId ?? null;
  if (linked !== null) return plan({ stripeCustomerId: linked });
  const planned = plan({ stripeCustomerId: TO_BE_MADE });
  if (dryRun || planned.outcome === 'unchanged') return planned;
  const stripe = await cx.stripe();
  const { customer } = await stripe.customerFor({ tenantId: id, name: planned.after.name });
  return plan({ stripeCustomerId: customer });
}
