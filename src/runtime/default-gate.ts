import { gateFrom } from './gate-from.ts';
import type { Gate } from './outcome.ts';
import { providedCredentials } from './provided-credentials.ts';
import { processEnvironment, processLog, whenStopped } from './settings.ts';
import { ridingMeter } from './usage/default-meter.ts';

let gate: Gate | undefined;

/** The sandbox's one gate, made on first use. */
export function defaultGate(): Gate {
  if (gate === undefined) {
    const rider = ridingMeter() ?? undefined;
    gate = gateFrom(processEnvironment(), processLog, { rider, otherCredentials: providedCredentials });
    whenStopped(gate.settle);
  }
  return gate;
}
