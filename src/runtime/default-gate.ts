import { createGate } from './gate.ts';
import type { Log } from './log.ts';
import { type Gate, UNAVAILABLE } from './outcome.ts';
import { type Environment, parseSettings, processEnvironment, processLog } from './settings.ts';
import { createWire } from './wire/client.ts';

/** The gate that an environment describes. One that describes none answers `unavailable` and logs why. */
export function gateFrom(env: Environment, log: Log): Gate {
  try {
    const { stack, prefix, envs, importedKeys, policy, ...connection } = parseSettings(env);
    return createGate({ wire: createWire(connection), stack, prefix, envs, importedKeys, policy, log });
  } catch (error) {
    // Not thrown at start: API Gateway would answer 500 or 403, and a good key must not look bad.
    const { message, hint } = error as { message: string; hint?: string | null };
    const complain = async () => {
      log({ level: 'error', event: 'bad_setting', message, hint });
      return UNAVAILABLE;
    };
    return { check: complain, warm: async () => {} };
  }
}

let gate: Gate | undefined;

/** The sandbox's one gate, made on first use. */
export function defaultGate(): Gate {
  gate ??= gateFrom(processEnvironment(), processLog);
  return gate;
}
