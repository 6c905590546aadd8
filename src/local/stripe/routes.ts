import { answered, Refusal } from './answer.ts';
import * as catalog from './catalog.ts';
import * as customers from './customers.ts';
import * as invoices from './invoices.ts';
import { createAdjustment, createMeterEvent } from './meter-events.ts';
import * as meters from './meters.ts';
import type { Handler } from './state.ts';
import * as subscriptions from './subscriptions.ts';
import { listSummaries } from './summaries.ts';

export const ACCOUNT = 'acct_standin';

const account: Handler = (world) => ({
  answer: answered({
    id: ACCOUNT,
    object: 'account',
    charges_enabled: true,
    country: 'US',
    default_currency: 'usd',
    email: null,
    settings: { dashboard: { display_name: 'Stripe stand-in', timezone: 'Etc/UTC' } },
    type: 'standard',
    livemode: world.live,
  }),
});

/** Method and path → handler. `:` stands for one variable part. */
const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /v1/account': account,
  'POST /v1/billing/meter_events': createMeterEvent,
  'POST /v1/billing/meter_event_adjustments': createAdjustment,
  'POST /v1/billing/meters': meters.createMeter,
  'GET /v1/billing/meters': meters.listMeters,
  'GET /v1/billing/meters/:': meters.retrieveMeter,
  'POST /v1/billing/meters/:': meters.updateMeter,
  'POST /v1/billing/meters/:/deactivate': meters.deactivateMeter,
  'POST /v1/billing/meters/:/reactivate': meters.reactivateMeter,
  'GET /v1/billing/meters/:/event_summaries': listSummaries,
  'POST /v1/customers': customers.createCustomer,
  'GET /v1/customers': customers.listCustomers,
  'GET /v1/customers/search': customers.searchCustomers,
  'GET /v1/customers/:': customers.retrieveCustomer,
  'POST /v1/customers/:': customers.updateCustomer,
  'DELETE /v1/customers/:': customers.deleteCustomer,
  'POST /v1/products': catalog.createProduct,
  'GET /v1/products': catalog.listProducts,
  'GET /v1/products/:': catalog.retrieveProduct,
  'POST /v1/products/:': catalog.updateProduct,
  'POST /v1/prices': catalog.createPrice,
  'GET /v1/prices': catalog.listPrices,
  'GET /v1/prices/:': catalog.retrievePrice,
  'POST /v1/prices/:': catalog.updatePrice,
  'POST /v1/subscriptions': subscriptions.createSubscription,
  'GET /v1/subscriptions': subscriptions.listSubscriptions,
  'GET /v1/subscriptions/:': subscriptions.retrieveSubscription,
  'DELETE /v1/subscriptions/:': subscriptions.cancelSubscription,
  'GET /v1/events': subscriptions.listEndings,
  'POST /v1/invoices/create_preview': invoices.previewInvoice,
  'GET /v1/invoices': invoices.listInvoices,
};

const PATTERNS = Object.entries(ROUTES).map(([route, handler]) => ({
  pattern: new RegExp(`^${route.replaceAll(':', '([^/]+)')}$`),
  handler,
}));

/** Throws a 404 refusal where Stripe would know no such URL, or this stand-in does not play it. */
export function route(method: string, path: string): { handler: Handler; ids: string[] } {
  const asked = `${method} ${path}`;
  const exact = ROUTES[asked];
  if (exact !== undefined) return { handler: exact, ids: [] };
  for (const { pattern, handler } of PATTERNS) {
    const [match, ...ids] = pattern.exec(asked) ?? [];
    if (match !== undefined) return { handler, ids: ids.map(decodeURIComponent) };
  }
  throw new Refusal({ status: 404, message: `Unrecognized request URL (${method}: ${path}).` });
}
