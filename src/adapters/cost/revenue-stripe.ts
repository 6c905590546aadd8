import type { RevenueMonth, RevenueSource, TenantRevenue } from '../../core/cost/revenue.ts';
import { stripeClient } from '../stripe/client.ts';
import { revenueCache } from './revenue-cache.ts';
import { invoices, type Reader, type Settled, settled } from './revenue-fetch.ts';
import { type Amount, earnedIn, type InvoicedLine, monthBefore, monthSeconds } from './revenue-months.ts';

export interface StripeRevenueSettings {
  apiKey: string;
  /** Of a stand-in; `null` for Stripe itself. */
  url: string | null;
  /** Stripe customer → tenant id. */
  customers: ReadonlyMap<string, string>;
  /** Where closed months are kept. */
  folder: string;
  /** Nothing that was kept is used; what is asked for is kept in its place. */
  fresh?: boolean;
  trace: ((line: string) => void) | null;
  /** Epoch ms. */
  now(): number;
  pause(ms: number): Promise<void>;
}

/** An invoice may pay for a year from its making, and for what was used in the month before it. */
const MONTHS_AHEAD = 12;
/** A month is final when it is over for so long. */
const SETTLED_MS = 2 * 86_400_000;

/**
 * Revenue of tenants from Stripe's invoices: each line spread over the time that it pays for, net of discounts and
 * tax, less what was refunded or credited in the month. Fees are those of the month's payments of invoices.
 */
export function stripeRevenue(settings: StripeRevenueSettings): RevenueSource & { close(): void } {
  const { apiKey, url, customers, fresh = false, now, pause, trace } = settings;
  const client = stripeClient({ apiKey, url, trace });
  const reader: Reader = { api: client.api, url, pause };
  const cache = revenueCache(settings.folder, `${apiKey} ${url ?? ''}`, now);
  const invoiced = new Map<string, Promise<InvoicedLine[]>>();
  const strangers = new Set<string>();

  const isOver = (month: string): boolean => monthSeconds(month).to * 1000 + SETTLED_MS <= now();
  const hasBegun = (month: string): boolean => monthSeconds(month).from * 1000 <= now();

  async function readInvoiced(month: string): Promise<InvoicedLine[]> {
    const kept = fresh ? null : await cache.read<InvoicedLine[]>('invoices', month);
    if (kept !== null) return kept;
    const lines: InvoicedLine[] = [];
    let final = isOver(month);
    for await (const invoice of invoices(reader, monthSeconds(month))) {
      lines.push(...invoice.lines);
      final &&= invoice.settled;
    }
    await cache.write('invoices', month, final, lines);
    return lines;
  }

  const linesMadeIn = (month: string): Promise<InvoicedLine[]> => {
    const had = invoiced.get(month);
    if (had !== undefined) return had;
    const reading = readInvoiced(month);
    invoiced.set(month, reading);
    return reading;
  };

  async function settledIn(month: string): Promise<Settled> {
    const kept = fresh ? null : await cache.read<Settled>('settled', month);
    if (kept !== null) return kept;
    const read = await settled(reader, monthSeconds(month));
    await cache.write('settled', month, isOver(month), read);
    return read;
  }

  return {
    name: 'stripe',
    async month(month): Promise<RevenueMonth> {
      const made = Array.from({ length: MONTHS_AHEAD + 2 }, (_, i) => monthBefore(month, MONTHS_AHEAD - i));
      const books = openBooks(customers, strangers);
      for (const one of made.filter(hasBegun)) {
        for (const line of await linesMadeIn(one))
          books.add('revenue', { ...line, minor: earnedIn(month, line) });
      }
      const { returned, fees } = await settledIn(month);
      for (const amount of returned) books.add('revenue', { ...amount, minor: -amount.minor });
      for (const amount of fees) books.add('fees', amount);
      return { month, ...books.close() };
    },
    notes: () => [
      ...cache.notes(),
      ...(strangers.size === 0
        ? []
        : [
            `${strangers.size} ${strangers.size === 1 ? 'customer' : 'customers'} of Stripe belong to no tenant and are left out of revenue: ${[...strangers].slice(0, 3).join(', ')}${strangers.size > 3 ? ', …' : ''}`,
          ]),
    ],
    close: client.close,
  };
}

/** Sums by tenant and currency, and the customers who are nobody's. */
function openBooks(customers: ReadonlyMap<string, string>, everybody: Set<string>) {
  const sums = new Map<string, { -readonly [K in keyof TenantRevenue]: TenantRevenue[K] }>();
  const strangers = new Set<string>();
  return {
    add(what: 'revenue' | 'fees', { customer, currency, minor }: Amount): void {
      if (minor === 0n) return;
      const tenantId = customers.get(customer);
      if (tenantId === undefined) {
        strangers.add(customer);
        everybody.add(customer);
        return;
      }
      const key = `${tenantId} ${currency}`;
      const sum = sums.get(key) ?? { tenantId, currency, revenue: 0n, fees: 0n };
      sum[what] += minor;
      sums.set(key, sum);
    },
    close: () => ({ tenants: [...sums.values()], strangers: strangers.size }),
  };
}
