import type { StripeAccount } from '../../core/billing/stripe-account.ts';
import { stripeClient } from './client.ts';
import { customerFor } from './customers.ts';
import { stripeError } from './errors.ts';
import { previewInvoice } from './preview.ts';
import { applyStripeSetup, planStripeSetup, type SetupWanted } from './setup.ts';

export interface StripeAccountOptions {
  apiKey: string;
  /** Of a stand-in; `null` for Stripe itself. */
  url: string | null;
  mode: 'live' | 'test';
  wanted: SetupWanted;
  /** One line per HTTP call, for `--debug`. */
  trace?: ((line: string) => void) | null;
  timeoutMs?: number;
}

/** Stripe, apart from sending usage: meters, prices, customers and previews. */
export function stripeAccount({
  mode,
  wanted,
  ...connection
}: StripeAccountOptions): StripeAccount & { close(): Promise<void> } {
  const { api, close } = stripeClient(connection);
  const saying = <T>(doing: string, asked: Promise<T>): Promise<T> =>
    asked.catch((error: unknown) => {
      throw stripeError(error, doing, connection.url);
    });
  return {
    mode,
    account: async () => (await saying('read the account at Stripe', api.accounts.retrieveCurrent())).id,
    customerFor: (tenant) =>
      saying(`find or create the customer of ${tenant.tenantId} at Stripe`, customerFor(api, tenant)),
    planSetup: () => saying('read meters, products and prices at Stripe', planStripeSetup(api, wanted)),
    applySetup: (steps) => applyStripeSetup(api, wanted, steps, connection.url),
    preview: (customer) => saying(`preview the next invoice of ${customer}`, previewInvoice(api, customer)),
    close: async () => close(),
  };
}
