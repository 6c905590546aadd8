/** One thing that Stripe must have for the configured meters and prices. */
export interface SetupStep {
  kind: 'meter' | 'product' | 'price';
  /** Ours: an event name, `<plan>/<metric>`. */
  name: string;
  action: 'create' | 'activate' | 'replace' | 'none';
  /** Stripe's; `null`: to be created. */
  id: string | null;
  detail: string;
}

/** Exact amounts: `minor` is rounded as an invoice rounds, `exact` is not. Both in the currency's smallest unit. */
export interface Money {
  minor: number;
  currency: string;
  exact: string;
}

export interface InvoiceLine {
  description: string;
  /** `null` where the line is not metered. */
  quantity: string | null;
  amount: Money;
  /** ISO-8601. */
  periodStart: string;
  periodEnd: string;
}

/** What a customer's next invoice carries so far. */
export interface InvoicePreview {
  customer: string;
  currency: string;
  total: Money;
  periodStart: string;
  periodEnd: string;
  lines: InvoiceLine[];
}

/** What the tool does at Stripe besides sending usage. Throws `SaasctlError`. */
export interface StripeAccount {
  account(): Promise<string>;
  mode: 'live' | 'test';
  /** The tenant's customer: the one made for it before, or a new one. */
  customerFor(tenant: { tenantId: string; name: string }): Promise<{ customer: string; created: boolean }>;
  /** What is missing; nothing is changed. */
  planSetup(): Promise<SetupStep[]>;
  /** Makes what is missing, and returns the steps with their ids. */
  applySetup(steps: readonly SetupStep[]): Promise<SetupStep[]>;
  /** `null`: the customer has no subscription that would be invoiced. */
  preview(customer: string): Promise<InvoicePreview | null>;
}
