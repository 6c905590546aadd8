import Stripe from 'stripe';
import type { Delivery } from '../../core/billing/sink.ts';
import { SaasctlError } from '../../core/errors.ts';
import { retryAfterMs, TransportError } from '../http-once.ts';

/** The failure of the transport inside an error of the SDK's, which wraps it in one of two ways. */
export function transportFailure(error: unknown): TransportError | null {
  if (error instanceof TransportError) return error;
  if (!(error instanceof Stripe.errors.StripeError)) return null;
  const raw = error.raw as { exception?: unknown } | undefined;
  for (const inner of [error.detail, raw?.exception]) if (inner instanceof TransportError) return inner;
  return null;
}

/** Stripe masks keys in what it says of them; a proxy may not. */
const withoutKeys = (text: string): string => text.replace(/\b(sk|rk)_(test|live)_\w+/g, '$1_$2_…');

/** A failed attempt to send a meter event, as what became of the event. */
export function deliveryOf(error: unknown): Delivery {
  const transport = transportFailure(error);
  if (transport !== null) return unanswered(transport);
  if (!(error instanceof Stripe.errors.StripeError)) {
    return {
      kind: 'ambiguous',
      reason: 'unparsable',
      message: error instanceof Error ? error.message : String(error),
    };
  }
  const message = withoutKeys(error.message);
  const { statusCode: status = 0, code = '', param = '' } = error;
  // v1 says so without a code, v2 with its own, and a third one has been seen.
  if (status === 400 && isDuplicate(code, message)) return { kind: 'delivered' };
  if (status === 429 || status === 409) {
    const reason = status === 429 && code !== 'lock_timeout' ? 'rate' : 'conflict';
    return {
      kind: 'retry',
      reason,
      message,
      afterMs: retryAfterMs(error.headers?.['retry-after'], Date.now()),
    };
  }
  if (status >= 500 || status < 400) {
    return { kind: 'ambiguous', reason: 'server_error', message: `Stripe answered ${status}: ${message}` };
  }
  return { kind: 'rejected', reason: refusalOf(status, code, param, message), message };
}

const isDuplicate = (code: string, message: string): boolean =>
  code === 'duplicate_meter_event' ||
  code === 'resource_already_exists' ||
  /\balready exists with identifier\b/i.test(message);

type Refusal = Extract<Delivery, { kind: 'rejected' }>['reason'];

function refusalOf(status: number, code: string, param: string, message: string): Refusal {
  if (status === 401 || status === 403) return 'unauthorized';
  if (code === 'timestamp_too_far_in_past' || /\b35 days\b.*\bpast\b/.test(message)) return 'too_old';
  if (code === 'no_meter' || code === 'archived_meter' || /\bno (active )?meter\b/i.test(message))
    return 'meter_gone';
  if (code === 'meter_event_customer_not_found' || /\bno such customer\b/i.test(message))
    return 'customer_gone';
  if (code === 'resource_missing') return /customer/.test(param) ? 'customer_gone' : 'meter_gone';
  return 'invalid';
}

/** Whether a request was refused because there is no such customer. */
export function isCustomerGone(error: unknown): boolean {
  const refused = deliveryOf(error);
  return refused.kind === 'rejected' && refused.reason === 'customer_gone';
}

function unanswered({ failure, status, message }: TransportError): Delivery {
  if (failure === 'unreachable') return { kind: 'retry', reason: 'unreachable', message, afterMs: null };
  if (status === 429) return { kind: 'retry', reason: 'rate', message, afterMs: null };
  if (failure === 'unparsable' && (status ?? 0) >= 500)
    return { kind: 'ambiguous', reason: 'server_error', message };
  return { kind: 'ambiguous', reason: failure, message };
}

/**
 * An error of Stripe's as one that says what to do. `doing` completes "could not …"; `url` is where it was asked,
 * `null` being Stripe itself.
 */
export function stripeError(error: unknown, doing: string, url: string | null): SaasctlError {
  if (error instanceof SaasctlError) return error;
  const transport = transportFailure(error);
  const stripe = error instanceof Stripe.errors.StripeError ? error : null;
  const status = transport?.status ?? stripe?.statusCode ?? 0;
  const said = withoutKeys(transport?.message ?? (error instanceof Error ? error.message : String(error)));
  const message = `could not ${doing}: ${said}`;
  const requestId = stripe?.requestId;
  const more = { message, cause: error, ...(requestId === undefined ? {} : { requestId }) };
  if (transport === null && (status === 401 || status === 403)) {
    return new SaasctlError({
      ...more,
      code: status === 401 ? 'stripe_unauthorized' : 'stripe_forbidden',
      category: 'auth',
      hint: status === 401 ? 'STRIPE_API_KEY is unknown to Stripe, revoked or expired' : RIGHTS,
      next: 'saasctl doctor',
    });
  }
  if (transport === null && status === 404) {
    return new SaasctlError({
      ...more,
      code: 'stripe_not_found',
      category: 'not_found',
      next: 'saasctl doctor',
    });
  }
  const isRemote = transport !== null || status === 429 || status === 409 || status >= 500;
  return new SaasctlError({
    ...more,
    code: isRemote ? 'stripe_failed' : 'stripe_refused',
    category: isRemote ? 'remote' : 'config',
    ...(isRemote ? remedy(transport, url) : { next: 'saasctl doctor' }),
    retryable: isRemote,
  });
}

/** What helps where no answer came that can be used. Of a stand-in Stripe's own status page knows nothing. */
function remedy(transport: TransportError | null, url: string | null): { hint: string; next: string } {
  const isElsewhere =
    url !== null && (transport?.failure === 'unreachable' || transport?.failure === 'unparsable');
  const next = url === null ? STATUS_PAGE : isElsewhere ? 'unset SAASCTL_STRIPE_URL' : 'saasctl doctor';
  if (transport?.failure === 'unparsable')
    return { hint: 'something else answers there: check SAASCTL_STRIPE_URL and any proxy', next };
  if (!isElsewhere) return { hint: 'the same command may be run again', next };
  return { hint: `SAASCTL_STRIPE_URL is ${url}, where nobody answers: start saasctl dev, or unset it`, next };
}

const STATUS_PAGE = 'https://status.stripe.com';

export const RIGHTS =
  'a restricted key needs: Billing meters and Meter events write, Products, Prices and Customers write, Invoices, Subscriptions, Events and Account read';
