import { defaultWire } from '../default-wire.ts';
import type { Rider } from '../outcome.ts';
import { processEnvironment, processLog } from '../settings.ts';
import { createDirectMeter, createRidingMeter } from './compute-meter.ts';
import type { ComputeMeter } from './meter.ts';
import { metersCompute } from './settings.ts';

let riding: (ComputeMeter & Rider) | null | undefined;

/** Compute time on its way to the default gate; `null` where it is switched off or no stack is named. */
export function ridingMeter(): (ComputeMeter & Rider) | null {
  if (riding === undefined) riding = whereMetered(createRidingMeter);
  return riding;
}

/** The meter of handlers behind an authorizer; `null` as above. */
export const directMeter = (): ComputeMeter | null =>
  whereMetered((options) => {
    // Opened while the sandbox starts, when nobody waits for it.
    void options.wire.warm();
    return createDirectMeter(options);
  });

function whereMetered<M>(create: (options: ReturnType<typeof world>) => M): M | null {
  const env = processEnvironment();
  // Without a stack there is no table to count in; whatever else needs one says so.
  if (!env['SAASCTL_STACK'] || !metersCompute(env)) return null;
  try {
    return create(world());
  } catch {
    return null;
  }
}

const world = () => ({ ...defaultWire(), log: processLog });
