import { providedCredentials } from './provided-credentials.ts';
import { parseSettings, processEnvironment } from './settings.ts';
import { type CredentialSource, type Credentials, createWires, type Wire } from './wire/client.ts';

interface Opened {
  stack: string;
  region: string;
  /** Milliseconds a DynamoDB call may take. */
  timeoutMs: number;
  /** The function's own. */
  credentials: Credentials | CredentialSource;
  wire: Wire;
  /** Over the same connections, as somebody else. */
  wireAs: (credentials: CredentialSource) => Wire;
}

let opened: Opened | undefined;

/** The sandbox's one set of connections, and what its environment names. Throws a configuration error. */
export function openedWire(): Opened {
  if (opened === undefined) {
    const { stack, credentials, ...connection } = parseSettings(processEnvironment(), providedCredentials);
    const wireAs = createWires(connection);
    const { region, timeoutMs } = connection;
    opened = { stack, region, timeoutMs, credentials, wire: wireAs(credentials), wireAs };
  }
  return opened;
}

/** The sandbox's one wire and the stack that its environment names. Throws a configuration error. */
export function defaultWire(): { wire: Wire; stack: string } {
  const { wire, stack } = openedWire();
  return { wire, stack };
}
