import { makeKey, makeTenant } from '../adapters/tenancy.ts';
import { exactly, type Figure } from './figure.ts';
import { PLAN, type Sandbox, type World } from './world.ts';

const CALLS = 500;
const BURST = 50;
const QUOTA = 123;
const SANDBOXES = 5;

/** Parallel calls from several sandboxes against one limit: as many pass as it allows, not one more. */
export async function limitFigures({ store, sandbox }: World): Promise<Figure[]> {
  const now = Date.now();
  const sandboxes = await Promise.all(Array.from({ length: SANDBOXES }, () => sandbox()));
  const bursting = await makeTenant(store, 'burst', PLAN, now);
  // One call an hour: no token comes back while this runs.
  const burst = await makeKey(store, bursting, { rate: { perSecond: 1 / 3600, burst: BURST }, now });
  const limited = await makeTenant(store, 'quota', { ...PLAN, apiCallsPerMonth: QUOTA }, now);
  const quota = await makeKey(store, limited, { now });

  const byRate = await atOnce(sandboxes, burst.secret);
  const byQuota = await atOnce(sandboxes, quota.secret);
  const counted = Object.values((await store.gate('quota'))?.m ?? {}).reduce((sum, calls) => sum + calls, 0);
  return [
    exactly(`${CALLS} parallel, burst ${BURST}: admitted`, byRate.allowed, BURST),
    exactly(`${CALLS} parallel, burst ${BURST}: refused for the rate`, byRate.rate, CALLS - BURST),
    exactly(`${CALLS} parallel, quota ${QUOTA} left: admitted`, byQuota.allowed, QUOTA),
    exactly(`${CALLS} parallel, quota ${QUOTA} left: refused for the quota`, byQuota.quota, CALLS - QUOTA),
    exactly(`${CALLS} parallel, quota ${QUOTA} left: counter`, counted, QUOTA),
  ];
}

async function atOnce(sandboxes: readonly Sandbox[], secret: string) {
  const calls = Array.from({ length: CALLS }, (_, at) => (sandboxes[at % SANDBOXES] as Sandbox)(secret));
  const tally = { allowed: 0, refused: 0, rate: 0, quota: 0, unavailable: 0 };
  for (const verdict of await Promise.all(calls)) tally[verdict] += 1;
  return tally;
}
