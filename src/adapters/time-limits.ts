/**
 * How long one request may take, ms. DynamoDB's slowest answers come well within it, and a store that never
 * answers ends a command's first read, tried `READ_TRIES` times, in about half a minute.
 */
const REQUEST_MS = 10_000;
/** A server that is there accepts at once. */
const CONNECT_MS = 3_000;

/** Times that a read is sent in all. */
export const READ_TRIES = 3;

/** Settings of an SDK client's request handler, which has no limits of its own. */
export function timeLimits(timeoutMs = REQUEST_MS) {
  return {
    connectionTimeout: Math.min(CONNECT_MS, timeoutMs),
    requestTimeout: timeoutMs,
    // Without it the SDK only warns, and waits on.
    throwOnRequestTimeout: true,
    // `requestTimeout` ends when the answer begins: this one is for an answer that stops half-way.
    socketTimeout: timeoutMs,
  };
}
