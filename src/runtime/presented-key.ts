/** The key a request presents. `unusable`: something is there, but no key could look like it. */
type Presented = { kind: 'none' } | { kind: 'unusable' } | { kind: 'key'; key: string };

const HEADER = 'x-api-key';
/** Longer than any key, short enough to hash without thought. */
const MAX_LENGTH = 512;
/** Visible ASCII but the comma: API Gateway joins a header sent twice with one. */
const KEY = /^[!-+\--~]+$/;

/** Reads `x-api-key`, in any case, from whatever an event turned out to be. Never throws. */
export function presentedKey(event: unknown): Presented {
  const headers = isObject(event) ? event['headers'] : undefined;
  if (!isObject(headers)) return { kind: 'none' };
  const values = Object.keys(headers)
    .filter((name) => name.length === HEADER.length && name.toLowerCase() === HEADER)
    .map((name) => headers[name])
    .filter((value) => value !== undefined && value !== null && value !== '');
  const [key, ...more] = values;
  if (key === undefined) return { kind: 'none' };
  if (typeof key !== 'string' || more.length > 0) return { kind: 'unusable' };
  return key.length <= MAX_LENGTH && KEY.test(key) ? { kind: 'key', key } : { kind: 'unusable' };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
