import { type HttpAnswer, httpOnce, TransportError } from '../http-once.ts';

/**
 * The HTTP client that the SDK is given. Its own one sends a request again when a connection was closed, even with
 * retries switched off; this one never does, gives the whole exchange `timeout` ms, and says whether anything was sent.
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
      try {
        const answer = await http.send({
          host,
          port,
          path,
          method,
          headers,
          body,
          protocol: scheme,
          timeoutMs,
        });
        line(`${answer.status} ${answer.headers['request-id'] ?? '-'}`);
        return asSdkExpects(answer);
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
