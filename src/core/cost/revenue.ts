/** What a tenant paid in a month: amounts in the currency's smallest unit. */
export interface TenantRevenue {
  tenantId: string;
  /** ISO 4217, upper case. One entry a currency. */
  currency: string;
  /** Net of tax and refunds, before fees. */
  revenue: bigint;
  /** What the payment provider kept. */
  fees: bigint;
}

/** One month of revenue as a source gives it. */
export interface RevenueMonth {
  /** `yyyy-mm`. */
  month: string;
  tenants: readonly TenantRevenue[];
  /** Customers who paid and belong to no tenant. */
  strangers: number;
}

/** Where revenue comes from. */
export interface RevenueSource {
  /** As in JSON: `stripe`. */
  readonly name: string;
  month(month: string): Promise<RevenueMonth>;
  notes(): readonly string[];
}
