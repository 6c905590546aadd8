import type { GateItem } from '../core/gate/layout.ts';
import { dayOf } from '../core/time.ts';
import { createGate } from './gate.ts';
import type { Log } from './log.ts';
import { type Gate, type Rider, UNAVAILABLE } from './outcome.ts';
import { type Environment, parseSettings } from './settings.ts';
import { type CredentialSource, createWire, type Wire } from './wire/client.ts';

interface Extras {
  rider?: Rider | undefined;
  /** Where credentials come from that the environment does not hold itself. */
  otherCredentials?: ((env: Environment) => CredentialSource) | undefined;
}

/** The gate that an environment describes. One that describes none answers `unavailable` and logs why. */
export function gateFrom(env: Environment, log: Log, { rider, otherCredentials }: Extras = {}): Gate {
  try {
    const { stack, prefix, envs, importedKeys, policy, ...connection } = parseSettings(env, otherCredentials);
    const wire = createWire(connection);
    const onGate = folderOnDemand(wire, stack);
    return createGate({ wire, stack, prefix, envs, importedKeys, policy, log, rider, onGate });
  } catch (error) {
    // Not thrown at start: API Gateway would answer 500 or 403, and a good key must not look bad.
    const { message, hint } = error as { message: string; hint?: string | null };
    const complain = async () => {
      log({ level: 'error', event: 'bad_setting', message, hint });
      return UNAVAILABLE;
    };
    return { check: complain, admit: complain, settle: async () => {}, warm: async () => {} };
  }
}

const DAY_MS = 86_400_000;

/** Folding is for a few calls a day: its code is loaded by the first gate that holds days before yesterday. */
function folderOnDemand(wire: Wire, stack: string): (gate: GateItem, now: number) => void {
  let folder: Promise<(gate: GateItem, now: number) => void> | undefined;
  return (gate, now) => {
    const yesterday = dayOf(now / 1000 - DAY_MS);
    for (const name in gate.u) {
      if (name >= yesterday) continue;
      folder ??= import('./usage/folder.ts').then(({ createFolder }) => createFolder(wire, stack));
      void folder.then((fold) => fold(gate, now));
      return;
    }
  };
}
