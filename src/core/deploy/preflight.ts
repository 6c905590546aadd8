import { SaasctlError } from '../errors.ts';
import type { StackState } from './ports.ts';

/** What Lambda keeps for functions without a reservation (Lambda quotas, "Reserved concurrency"). */
const KEPT_UNRESERVED = 100;
const RESERVATION = 'AuthorizerReservedConcurrency';

export const reservationOf = (parameters: Readonly<Record<string, string>>): number =>
  Number(parameters[RESERVATION] || 0);

/**
 * Whether the account can spare the sandboxes that a deploy reserves, those that the stack has reserved already given
 * back. Throws `concurrency_short` (category config): CloudFormation would find out half-way through.
 */
export function checkReservation(
  account: { limit: number; unreserved: number },
  parameters: Readonly<Record<string, string>>,
  previous: StackState | null,
): void {
  const wanted = reservationOf(parameters);
  const free = account.unreserved + reservationOf(previous?.parameters ?? {}) - KEPT_UNRESERVED;
  if (wanted <= free) return;
  throw new SaasctlError({
    code: 'concurrency_short',
    category: 'config',
    message: `${RESERVATION} is ${wanted}, and the account can reserve ${Math.max(0, free)}`,
    hint: `it runs ${account.limit} functions at once, of which ${KEPT_UNRESERVED} stay unreserved; leave the parameter out, or ask for more`,
    next: 'aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000',
  });
}
