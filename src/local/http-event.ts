import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What an HTTP API sends to its integration, payload format 2.0. */
export interface HttpApiEvent extends RequestFacts {
  version: '2.0';
  routeKey: '$default';
  body?: string;
  isBase64Encoded: boolean;
}

/** What the events of the authorizer and of the integration have in common. */
export interface RequestFacts {
  rawPath: string;
  rawQueryString: string;
  cookies?: string[];
  headers: Record<string, string>;
  queryStringParameters?: Record<string, string>;
  requestContext: RequestContext;
}

export interface RequestContext {
  accountId: string;
  apiId: string;
  authorizer?: { lambda: unknown };
  domainName: string;
  domainPrefix: string;
  http: { method: string; path: string; protocol: string; sourceIp: string; userAgent: string };
  requestId: string;
  routeKey: '$default';
  stage: '$default';
  /** Common log format, UTC. */
  time: string;
  /** Epoch ms. */
  timeEpoch: number;
}

export const ACCOUNT_ID = '000000000000';
export const API_ID = 'local';

/** Reads everything but the body. Null for a path that is not valid percent-encoding: API Gateway answers 400. */
export function readRequest(request: IncomingMessage, now: number): RequestFacts | null {
  const [path, query] = splitTarget(request.url ?? '/');
  // An HTTP API hands on the path decoded, the query string as it came.
  const rawPath = decodePath(path);
  if (rawPath === null) return null;
  const { cookie, ...headers } = joinedHeaders(request.rawHeaders);
  const cookies = cookie?.split(/[;,]\s*/).filter((each) => each !== '');
  return {
    rawPath,
    rawQueryString: query,
    ...(cookies === undefined ? {} : { cookies }),
    headers: { ...headers, ...forwarded(request) },
    ...(query === '' ? {} : { queryStringParameters: joined(new URLSearchParams(query)) }),
    requestContext: {
      accountId: ACCOUNT_ID,
      apiId: API_ID,
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: {
        method: request.method ?? 'GET',
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomBytes(11).toString('base64'),
      routeKey: '$default',
      stage: '$default',
      time: commonLogTime(now),
      timeEpoch: now,
    },
  };
}

/** The integration's event. An authorizer's context, where one ran, goes to `requestContext.authorizer`. */
export function integrationEvent(
  facts: RequestFacts,
  body: Buffer,
  authorizer?: { lambda: unknown },
): HttpApiEvent {
  return {
    version: '2.0',
    routeKey: '$default',
    ...facts,
    requestContext: authorizer === undefined ? facts.requestContext : { ...facts.requestContext, authorizer },
    ...encodedBody(body, facts.headers),
  };
}

const TEXT = /^(text\/|application\/(json|javascript|xml|[\w.-]+\+(json|xml))\s*(;|$))/i;

function encodedBody(
  body: Buffer,
  headers: Record<string, string>,
): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const text = body.toString('utf8');
  const isText =
    TEXT.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined &&
    Buffer.from(text, 'utf8').equals(body);
  return isText
    ? { body: text, isBase64Encoded: false }
    : { body: body.toString('base64'), isBase64Encoded: true };
}

function splitTarget(target: string): [path: string, query: string] {
  // Absolute form, as a proxy sends it. Not by URL: that would read `//x` as a host and resolve `..`.
  const origin = target.replace(/^https?:\/\/[^/?]*/i, '');
  const at = origin.indexOf('?');
  const path = at < 0 ? origin : origin.slice(0, at);
  return [path === '' ? '/' : path, at < 0 ? '' : origin.slice(at + 1)];
}

function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** Names in lower case, the values of duplicates joined by commas. */
function joinedHeaders(raw: readonly string[]): Record<string, string> {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([(raw[i] ?? '').toLowerCase(), raw[i + 1] ?? '']);
  return joined(pairs);
}

function joined(pairs: Iterable<[string, string]>): Record<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of pairs) {
    const before = all.get(name);
    all.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(all);
}

function forwarded(request: IncomingMessage): Record<string, string> {
  const before = request.headers['x-forwarded-for'];
  const source = request.socket.remoteAddress ?? '127.0.0.1';
  return {
    'x-forwarded-for': before === undefined ? source : `${String(before)}, ${source}`,
    'x-forwarded-port': String(request.socket.localPort ?? ''),
    'x-forwarded-proto': 'http',
  };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function commonLogTime(now: number): string {
  const [date = '', time = ''] = new Date(now).toISOString().split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}
