import { providedCredentials } from './provided-credentials.ts';
import { parseSettings, processEnvironment } from './settings.ts';
import { createWire, type Wire } from './wire/client.ts';

let opened: { wire: Wire; stack: string } | undefined;

/** The sandbox's one wire and the stack that its environment names. Throws a configuration error. */
export function defaultWire(): { wire: Wire; stack: string } {
  if (opened === undefined) {
    const { stack, ...connection } = parseSettings(processEnvironment(), providedCredentials);
    opened = { wire: createWire(connection), stack };
  }
  return opened;
}
