// The Stripe stand-in as a process of its own: prints its URL, serves until it is ended.
import { readFileSync } from 'node:fs';
import { startStripeStandIn } from '../../src/local/stripe/server.ts';

const { latencyMs, perSecond } = JSON.parse(readFileSync(0, 'utf8'));
const stripe = await startStripeStandIn({ storeDir: null });
for (const event of ['api_calls', 'compute_seconds', 'pages']) {
  await fetch(`${stripe.url}/v1/billing/meters`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer sk_test_standin',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      display_name: event,
      event_name: event,
      'default_aggregation[formula]': 'sum',
      'customer_mapping[type]': 'by_id',
      'customer_mapping[event_payload_key]': 'stripe_customer_id',
      'value_settings[event_payload_key]': 'value',
    }),
  });
}
stripe.control({ latencyMs, perSecond, customerErrors: 'async' });
process.stdout.write(`${stripe.url}\n`);
