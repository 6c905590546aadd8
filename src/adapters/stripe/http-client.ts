import { setTimeout as pause } from 'node:timers/promises';
import { type HttpAnswer, httpOnce, retryAfterMs, TransportError } from '../http-once.ts';

/** How often a read is sent that Stripe finds too fast: nothing depends on how often one reads. */
const READ_TRIES = 5;
const LONGEST_PAUSE_MS = 4_000;

/**
 * The HTTP client that the SDK is given. Its own one sends a request again when a connection was closed, even with
 * retries switched off; this one repeats nothing but a read that came too fast, gives the whole exchange `timeout` ms, and says whether anything was sent.
 */
export function stripeHttpClient(mostConnections: number, trace: ((line: string) => void) | null) {
  const http = httpOnce(mostConnections);
  return {
    getClientName: () => 'saasctl',
    async makeRequest(
      host: string,
      port: string,
      path: string,
      method: string,
      headers: Record<string, string | number | string[]>,
      body: string,
      protocol: string,
      timeoutMs: number,
    ) {
      const begun = performance.now();
      // Neither headers nor bodies, nor what is asked for: a query names customers.
      const line = (result: string) =>
        trace?.(
          `debug: Stripe ${method} ${path.split('?', 1)[0]} ${result} ${Math.round(performance.now() - begun)} ms`,
        );
      const scheme = protocol === 'http' ? 'http' : 'https';
      const request = { host, port, path, method, headers, body, protocol: scheme, timeoutMs } as const;
      try {
        for (let tries = 1; ; tries++) {
          const answer = await http.send(request);
          line(`${answer.status} ${answer.headers['request-id'] ?? '-'}`);
          if (answer.status !== 429 || method !== 'GET' || tries === READ_TRIES) return asSdkExpects(answer);
          const said = retryAfterMs(answer.headers['retry-after'], Date.now());
          await pause(Math.min(said ?? 250 * 2 ** tries, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2));
        }
      } catch (error) {
        line(error instanceof TransportError ? `- ${error.failure}` : '- error');
        throw error;
      }
    },
    close: http.close,
  };
}

function asSdkExpects({ status, headers, text }: HttpAnswer) {
  return {
    getStatusCode: () => status,
    getHeaders: () => headers,
    getRawResponse: () => ({ statusCode: status, headers }),
    toStream: () => {
      throw new Error('answers are not streamed');
    },
    toJSON: async () => objectOf(text, status),
  };
}

function objectOf(text: string, status: number): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Below.
  }
  const what = text.trim() === '' ? 'an empty answer' : 'an answer that is not JSON';
  throw new TransportError('unparsable', `${what} (HTTP ${status})`, status);
}
