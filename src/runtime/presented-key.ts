/** What a request presents. `unusable`: something is there, but no key or token could look like it. */
type Nothing = { kind: 'none' } | { kind: 'unusable' };
type PresentedKey = Nothing | { kind: 'key'; key: string };
type PresentedToken = Nothing | { kind: 'token'; token: string };

const KEY_HEADER = 'x-api-key';
const TOKEN_HEADER = 'authorization';
/** Longer than any key, short enough to hash without thought. */
const MAX_LENGTH = 512;
/** Visible ASCII but the comma: API Gateway joins a header sent twice with one. */
const KEY = /^[!-+\--~]+$/;
/** RFC 6750, the scheme in any case; no comma either. */
const BEARER = /^bearer +([\w.~+/-]+=*)$/i;
/** All headers of an HTTP API together. */
const MAX_HEADER = 10_240;

/** Reads `x-api-key`, in any case, from whatever an event turned out to be. Never throws. */
export function presentedKey(event: unknown): PresentedKey {
  const [key, ...more] = headerValues(event, KEY_HEADER);
  if (key === undefined) return { kind: 'none' };
  if (typeof key !== 'string' || more.length > 0) return { kind: 'unusable' };
  return key.length <= MAX_LENGTH && KEY.test(key) ? { kind: 'key', key } : { kind: 'unusable' };
}

/** Reads a bearer token from `Authorization`; other schemes are none of ours. Never throws. */
export function presentedToken(event: unknown): PresentedToken {
  const values = headerValues(event, TOKEN_HEADER);
  const [value] = values;
  if (values.every((each) => typeof each === 'string' && !/^bearer\b/i.test(each))) return { kind: 'none' };
  if (values.length > 1 || typeof value !== 'string' || value.length > MAX_HEADER)
    return { kind: 'unusable' };
  const token = BEARER.exec(value)?.[1];
  return token === undefined ? { kind: 'unusable' } : { kind: 'token', token };
}

/**
 * What an authorizer is asked about: its own identity source says so, whatever else the request carries. An event
 * without one is taken by the header that is there; both, or one value in both, is no answer.
 */
export function presentedToAuthorizer(event: unknown): PresentedKey | PresentedToken {
  const [key, token] = [presentedKey(event), presentedToken(event)];
  const source = identitySource(event);
  if (source === undefined) {
    if (token.kind === 'none') return key;
    return key.kind === 'none' ? token : { kind: 'unusable' };
  }
  const inKey = headerValues(event, KEY_HEADER).includes(source);
  const inToken = headerValues(event, TOKEN_HEADER).includes(source);
  if (inKey === inToken) return { kind: 'unusable' };
  return inKey ? key : token;
}

function identitySource(event: unknown): unknown {
  const sources = isObject(event) ? event['identitySource'] : undefined;
  return Array.isArray(sources) && sources.length === 1 ? sources[0] : undefined;
}

function headerValues(event: unknown, header: string): unknown[] {
  const headers = isObject(event) ? event['headers'] : undefined;
  if (!isObject(headers)) return [];
  return Object.keys(headers)
    .filter((name) => name.length === header.length && name.toLowerCase() === header)
    .map((name) => headers[name])
    .filter((value) => value !== undefined && value !== null && value !== '');
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
