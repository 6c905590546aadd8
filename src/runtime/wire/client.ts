import aws4 from 'aws4';
import { classify, type Reply } from './reply.ts';
import { createTransport } from './transport.ts';

/** DynamoDB's low-level API. `body` and an applied `output` are its own JSON, attribute values included. */
export interface Wire {
  /** Sends once: whether to send again is for the caller, who knows what may be counted twice. Never throws. */
  send(operation: string, body: object): Promise<Reply>;
  /** Opens a connection ahead of the first call. */
  warm(): Promise<void>;
  close(): void;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface WireOptions {
  endpoint: string;
  region: string;
  credentials: Credentials;
  /** Milliseconds a call may take, connecting included. */
  timeoutMs?: number | undefined;
  /** Epoch ms. */
  now?: () => number;
  /** PEM certificates to trust in place of Node's own. */
  ca?: string | undefined;
}

/** A DynamoDB client of a signature and a socket: no SDK, since a cold start pays for every kilobyte. */
export function createWire({
  endpoint,
  region,
  credentials,
  timeoutMs = 1_000,
  now = Date.now,
  ca,
}: WireOptions): Wire {
  const url = new URL(endpoint);
  const transport = createTransport({ endpoint: url, timeoutMs, now, ca });

  return {
    async send(operation, body) {
      const text = JSON.stringify(body);
      const { headers = {} } = aws4.sign(
        {
          service: 'dynamodb',
          region,
          method: 'POST',
          path: url.pathname,
          headers: {
            Host: url.host,
            'Content-Type': 'application/x-amz-json-1.0',
            'X-Amz-Target': `DynamoDB_20120810.${operation}`,
          },
          body: text,
        },
        signer(credentials),
      );
      return classify(await transport.exchange({ method: 'POST', path: url.pathname, headers }, text));
    },
    async warm() {
      await transport.exchange({ method: 'GET', path: '/' });
    },
    close: transport.close,
  };
}

function signer({ accessKeyId, secretAccessKey, sessionToken }: Credentials): aws4.Credentials {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
