import Stripe from 'stripe';
import { usageError } from '../../core/errors.ts';
import { stripeHttpClient } from './http-client.ts';

/** One attempt at a request may take this long, connecting included. */
const TIMEOUT_MS = 10_000;
const MOST_CONNECTIONS = 256;

export interface StripeClient {
  api: Stripe;
  close(): void;
}

/**
 * Stripe by its own SDK, which sends every request once: what to do about a failure is decided by those who know
 * whether it may be sent again. `url`: of a stand-in (`http://127.0.0.1:4242`), `null` for Stripe itself.
 * Throws `bad_stripe_url` (usage).
 */
export function stripeClient({
  apiKey,
  url,
  trace = null,
  timeoutMs = TIMEOUT_MS,
}: {
  apiKey: string;
  url: string | null;
  /** One line per HTTP call, for `--debug`. */
  trace?: ((line: string) => void) | null;
  timeoutMs?: number;
}): StripeClient {
  const client = stripeHttpClient(MOST_CONNECTIONS, trace);
  const api = new Stripe(apiKey, {
    maxNetworkRetries: 0,
    timeout: timeoutMs,
    telemetry: false,
    httpClient: client,
    ...(url === null ? {} : addressOf(url)),
  });
  return { api, close: client.close };
}

function addressOf(text: string): { host: string; port: string; protocol: 'http' | 'https' } {
  const url = URL.canParse(text) ? new URL(text) : null;
  const protocol = url?.protocol === 'http:' ? 'http' : url?.protocol === 'https:' ? 'https' : null;
  if (url === null || protocol === null) {
    throw usageError('bad_stripe_url', 'SAASCTL_STRIPE_URL is not the URL of a stand-in', {
      hint: 'such as http://127.0.0.1:4242; where it is not set, the profile says where bills go',
    });
  }
  return { host: url.hostname, port: url.port || (protocol === 'http' ? '80' : '443'), protocol };
}
