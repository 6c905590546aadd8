import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { openStore } from '../adapters/dynamodb/store.ts';
import { stripeSink } from '../adapters/stripe/sink.ts';
import { inSmallHeap } from '../adapters/young-heap.ts';
import type { Synced } from '../core/billing/sync.ts';
import { providedCredentials } from '../runtime/provided-credentials.ts';
import { openSecrets, type Secrets } from '../runtime/secrets.ts';
import { parseSettings, processEnvironment } from '../runtime/settings.ts';
import { billingSettings, stripeKeyFrom } from './billing-settings.ts';
import { withFreshKey } from './fresh-key.ts';
import { scheduledSync } from './scheduled-sync.ts';

const env = processEnvironment();
let opened: Secrets | undefined;

/** Kept for the sandbox's life, and what was read with it. */
function secrets(): Secrets {
  opened ??= openSecrets({ env, ...ownIdentity() });
  return opened;
}

function ownIdentity() {
  const { region, credentials } = parseSettings(env, providedCredentials);
  return { region, credentials };
}

/** The scheduled function: invoked by EventBridge, it bills what has been used since the last time. */
export async function handler(
  _event: unknown,
  context: { getRemainingTimeInMillis(): number },
): Promise<Synced> {
  const { mode, ...settings } = billingSettings(env);
  return withFreshKey(
    (anew) => stripeKeyFrom(env, mode, secrets, { anew }),
    (apiKey) => sync({ mode, ...settings }, apiKey, context.getRemainingTimeInMillis()),
  );
}

async function sync(
  { stack, region, endpoint, mode, stripeUrl, ...billing }: ReturnType<typeof billingSettings>,
  apiKey: string,
  remainingMs: number,
): Promise<Synced> {
  const settings = { region, stack, endpoint, credentials: null, awsProfile: null, trace: null };
  const { store, ledger } = await openStore({ ...settings, createMissing: false });
  const sink = stripeSink({ apiKey, url: stripeUrl, mode });
  const billsGauge = billing.meters.some(({ measure }) => measure !== 'sum');
  try {
    return await scheduledSync({
      ...billing,
      ledger: await inSmallHeap(ledger)(),
      sink,
      stack,
      clock: { now: Date.now, pause: (ms) => pause(ms) },
      runId: randomUUID(),
      fold: store.fold,
      prepare: store.sampleGauges,
      prepareWith: billsGauge ? 'run' : 'sweep',
      remainingMs,
      log: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
    });
  } finally {
    await sink.close();
    await store.close();
  }
}
