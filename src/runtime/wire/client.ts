import { classify, type Reply } from './reply.ts';
import { type Credentials, createSigner } from './sign.ts';
import { createTransport } from './transport.ts';

export type { Credentials } from './sign.ts';

/** DynamoDB's low-level API. `body` and an applied `output` are its own JSON, attribute values included. */
export interface Wire {
  /** Sends once: whether to send again is for the caller, who knows what may be counted twice. Never throws. */
  send(operation: string, body: object): Promise<Reply>;
  /** Opens a connection ahead of the first call. */
  warm(): Promise<void>;
  close(): void;
}

/** Credentials that change: asked for before each call, so they answer at once unless they ran out. */
export type CredentialSource = () => Promise<Credentials>;

export interface WireOptions extends ConnectionOptions {
  credentials: Credentials | CredentialSource;
}

interface ConnectionOptions {
  endpoint: string;
  region: string;
  /** Milliseconds a call may take, connecting included. */
  timeoutMs?: number | undefined;
  /** Epoch ms. */
  now?: () => number;
  /** PEM certificates to trust in place of Node's own. */
  ca?: string | undefined;
}

/** A DynamoDB client of a signature and a socket: no SDK, since a cold start pays for every kilobyte. */
export const createWire = ({ credentials, ...connection }: WireOptions): Wire =>
  createWires(connection)(credentials);

/** Wires of different callers over the same connections: whoever signs, an open one serves. */
export function createWires({ endpoint, region, timeoutMs = 1_000, now = Date.now, ca }: ConnectionOptions) {
  const url = new URL(endpoint);
  const path = url.pathname;
  const transport = createTransport({ endpoint: url, timeoutMs, now, ca });

  return (credentials: Credentials | CredentialSource): Wire => {
    const sign = createSigner(region);
    return {
      async send(operation, body) {
        const text = JSON.stringify(body);
        const request = { host: url.host, path, target: `DynamoDB_20120810.${operation}`, body: text };
        let current = credentials as Credentials;
        if (typeof credentials === 'function') {
          try {
            current = await credentials();
          } catch (error) {
            return noCredentials(error);
          }
        }
        const headers = sign(request, current, now());
        return classify(await transport.exchange({ method: 'POST', path, headers }, text));
      },
      async warm() {
        await transport.exchange({ method: 'GET', path: '/' });
      },
      close: transport.close,
    };
  };
}

/** Nothing was sent. What is `retryable` may go well later, as a service that did not answer. */
function noCredentials(error: unknown): Reply {
  const { message, retryable } = error as { message: string; retryable?: unknown };
  const reason = retryable === true ? 'unreachable' : 'rejected';
  return { kind: 'not_applied', reason, code: NO_CREDENTIALS, message: `no credentials: ${message}` };
}

/** The code of a call that was not sent for want of credentials. */
export const NO_CREDENTIALS = 'no_credentials';
