import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/**
 * What became of a request that got no proper answer.
 * `unreachable`: no connection came about, nothing was sent. `timeout` and `reset`: it may have been carried out.
 * `unparsable`: something answered, but not what was to be expected.
 */
export type TransportFailure = 'unreachable' | 'timeout' | 'reset' | 'unparsable';

export class TransportError extends Error {
  readonly failure: TransportFailure;
  /** Of the answer, where there was one. */
  readonly status: number | null;

  constructor(failure: TransportFailure, message: string, status: number | null = null) {
    super(message);
    this.failure = failure;
    this.status = status;
  }
}

export interface HttpRequest {
  protocol: 'http' | 'https';
  host: string;
  port: string | number;
  path: string;
  method: string;
  headers: Record<string, string | number | string[]>;
  body: string;
  /** For the whole exchange, from connecting to the last byte. */
  timeoutMs: number;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

export interface HttpOnce {
  /** One request, one attempt. Redirects are answers. Throws `TransportError`. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

const LONGEST_ANSWER = 8 * 1024 * 1024;

/** An HTTP client that keeps connections, never sends anything twice, and says whether anything was sent. */
export function httpOnce(mostConnections: number): HttpOnce {
  const options = { keepAlive: true, maxSockets: mostConnections, scheduling: 'lifo' as const };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  return {
    send({ protocol, body, timeoutMs, ...to }) {
      const open = protocol === 'http' ? httpRequest : httpsRequest;
      return exchange(open({ ...to, agent: agents[protocol] }), body, timeoutMs);
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function exchange(request: ClientRequest, body: string, timeoutMs: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const fail = (error: TransportError): void => {
      clearTimeout(deadline);
      reject(error);
    };
    const deadline = setTimeout(() => {
      fail(new TransportError(isConnected ? 'timeout' : 'unreachable', `no answer within ${timeoutMs} ms`));
      request.destroy();
    }, timeoutMs);

    request.on('socket', (socket) => {
      // Nothing is sent before TLS is agreed on.
      const ready = 'encrypted' in socket ? 'secureConnect' : 'connect';
      if (!socket.connecting) isConnected = true;
      else
        socket.once(ready, () => {
          isConnected = true;
        });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      fail(new TransportError(isConnected ? 'reset' : 'unreachable', error.code ?? error.message));
    });
    request.on('response', (response) => {
      collect(response, fail, (text) => {
        clearTimeout(deadline);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          text,
        });
      });
    });
    request.end(body);
  });
}

function collect(
  response: IncomingMessage,
  fail: (error: TransportError) => void,
  done: (text: string) => void,
): void {
  const status = response.statusCode ?? null;
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    if (text.length <= LONGEST_ANSWER) return;
    fail(new TransportError('unparsable', 'the answer is too long', status));
    response.destroy();
  });
  response.on('end', () => done(text));
  response.on('error', () => undefined);
  // Comes after `end`, too, when it says nothing new.
  response.on('close', () => fail(new TransportError('reset', 'the answer broke off', status)));
}

/** `Retry-After` in ms: whole seconds, or a date; `null` where it says neither. */
export function retryAfterMs(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
