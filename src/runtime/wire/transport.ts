import type { Agent as HttpAgent } from 'node:http';
import type https from 'node:https';
import type { Socket } from 'node:net';

/**
 * What became of one exchange. `unreachable`: it failed before the connection stood, so no byte of it can have
 * been read; after that a failure says nothing about what the other side did.
 */
export type Exchange =
  | { kind: 'answered'; status: number; text: string }
  | { kind: 'unreachable' | 'timeout' | 'reset'; message: string };

interface TransportOptions {
  endpoint: URL;
  /** For a whole exchange, connecting included. */
  timeoutMs: number;
  /** Wall clock, epoch ms: it goes on while a sandbox is frozen. */
  now: () => number;
  /** PEM certificates to trust in place of Node's own. */
  ca?: string | undefined;
}

interface Outgoing {
  method: string;
  path: string;
  // As node:http has it, whose types a customer's project may lack.
  headers?: Record<string, string | number | string[] | undefined>;
}

interface Transport {
  exchange(outgoing: Outgoing, body?: string): Promise<Exchange>;
  close(): void;
}

/** The other side forgets a connection at its leisure: an older one would be written to in vain. */
const MAX_IDLE_MS = 5_000;

/** One HTTP(S) connection pool to one endpoint. Sends once, never retries. */
export function createTransport({ endpoint, timeoutMs, now, ca }: TransportOptions): Transport {
  const secure = endpoint.protocol === 'https:';
  const idleSince = new WeakMap<Socket, number>();
  let opened: Promise<{ request: typeof https.request; agent: HttpAgent }> | undefined;

  async function open() {
    const options = { keepAlive: true, maxSockets: 50, ...(ca === undefined ? {} : { ca }) };
    // Either costs a cold start some: on Node 22 and 24 node:http loads undici, and node:https loads TLS.
    const client = secure ? (await import('node:https')).default : (await import('node:http')).default;
    const agent = new client.Agent(options);
    agent.on('free', (socket: Socket) => idleSince.set(socket, now()));
    return { request: client.request as typeof https.request, agent };
  }

  // Checked when about to write, not by a timer: a thawed sandbox finds its timers late and its sockets dead.
  function discardStale(agent: HttpAgent): void {
    for (const socket of Object.values(agent.freeSockets).flat()) {
      const idle = now() - (socket ? (idleSince.get(socket) ?? 0) : 0);
      if (idle < 0 || idle > MAX_IDLE_MS) socket?.destroy();
    }
  }

  async function exchange(message: Outgoing, body?: string): Promise<Exchange> {
    opened ??= open();
    const { request, agent } = await opened;
    discardStale(agent);
    return new Promise((resolve) => {
      let sent = false;
      const finish = (result: Exchange) => {
        clearTimeout(timer);
        resolve(result);
      };
      const fail = (kind: 'timeout' | 'reset', message: string) =>
        finish({ kind: sent ? kind : 'unreachable', message });

      const outgoing = request(endpoint, { ...message, agent });
      const timer = setTimeout(() => {
        fail('timeout', `no answer within ${timeoutMs} ms`);
        outgoing.destroy();
      }, timeoutMs);
      outgoing.on('socket', (socket) => {
        if (!socket.connecting) sent = true;
        else
          socket.once(secure ? 'secureConnect' : 'connect', () => {
            sent = true;
          });
      });
      outgoing.on('error', (error) => fail('reset', error.message));
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => fail('reset', error.message));
        response.on('end', () =>
          finish({
            kind: 'answered',
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      outgoing.end(body);
    });
  }

  return { exchange, close: () => void opened?.then(({ agent }) => agent.destroy()) };
}
