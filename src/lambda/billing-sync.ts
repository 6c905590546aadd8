import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { openStore } from '../adapters/dynamodb/store.ts';
import { stripeSink } from '../adapters/stripe/sink.ts';
import { inSmallHeap } from '../adapters/young-heap.ts';
import type { Synced } from '../core/billing/sync.ts';
import { processEnvironment } from '../runtime/settings.ts';
import { billingSettings, stripeKeyFrom } from './billing-settings.ts';
import { scheduledSync } from './scheduled-sync.ts';

/** The scheduled function: invoked by EventBridge, it bills what has been used since the last time. */
export async function handler(
  _event: unknown,
  context: { getRemainingTimeInMillis(): number },
): Promise<Synced> {
  const env = processEnvironment();
  const { stack, region, endpoint, mode, stripeUrl, ...billing } = billingSettings(env);
  const apiKey = await stripeKeyFrom(env, mode);
  const settings = { region, stack, endpoint, credentials: null, awsProfile: null, trace: null };
  const { store, ledger } = await openStore({ ...settings, createMissing: false });
  const sink = stripeSink({ apiKey, url: stripeUrl, mode });
  const samples = billing.meters.some(({ measure }) => measure !== 'sum');
  try {
    return await scheduledSync({
      ...billing,
      ledger: await inSmallHeap(ledger)(),
      sink,
      stack,
      clock: { now: Date.now, pause: (ms) => pause(ms) },
      runId: randomUUID(),
      fold: store.fold,
      ...(samples ? { prepare: store.sampleGauges } : {}),
      remainingMs: context.getRemainingTimeInMillis(),
      log: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
    });
  } finally {
    await sink.close();
    await store.close();
  }
}
