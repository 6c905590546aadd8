import { validateHeaderName, validateHeaderValue } from 'node:http';

export interface HttpAnswer {
  status: number;
  headers: [name: string, value: string][];
  body: Buffer;
}

/** An answer that API Gateway itself gives. */
export function gatewayAnswer(status: number, message: string): HttpAnswer {
  return jsonAnswer(status, JSON.stringify({ message }));
}

export const BAD_REQUEST = gatewayAnswer(400, 'Bad Request');
export const SERVER_ERROR = gatewayAnswer(500, 'Internal Server Error');

/**
 * What an HTTP API makes of an integration's JSON (payload format 2.0): a structured result where there is a
 * `statusCode`, else the value itself as a 200. Null where the result is malformed: the API answers 500.
 */
export function answerOf(payload: string): HttpAnswer | null {
  let result: unknown;
  try {
    result = JSON.parse(payload);
  } catch {
    return null;
  }
  if (isRecord(result) && result['statusCode'] !== undefined) return structured(result);
  return jsonAnswer(200, typeof result === 'string' ? result : payload);
}

function structured(result: Record<string, unknown>): HttpAnswer | null {
  const status = statusOf(result['statusCode']);
  const headers = headersOf(result['headers'] ?? {});
  const cookies = result['cookies'] ?? [];
  const body = result['body'] ?? '';
  if (status === null || headers === null || typeof body !== 'string' || !areStrings(cookies)) return null;
  if (!headers.some(([name]) => name === 'content-type')) {
    headers.push(['content-type', 'text/plain;charset=UTF-8']);
  }
  for (const cookie of cookies) headers.push(['set-cookie', cookie]);
  if (!headers.every(isSendable)) return null;
  const encoding = result['isBase64Encoded'] === true ? 'base64' : 'utf8';
  return { status, headers, body: Buffer.from(body, encoding) };
}

function statusOf(value: unknown): number | null {
  const status = typeof value === 'string' ? Number(value) : value;
  return Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599 ? Number(status) : null;
}

/** Headers that are API Gateway's own: an integration's come out under another name. */
const REMAPPED = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'server',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
]);

function headersOf(headers: unknown): [string, string][] | null {
  if (!isRecord(headers)) return null;
  const out: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) return null;
    const lower = name.toLowerCase();
    out.push([REMAPPED.has(lower) ? `x-amzn-remapped-${lower}` : lower, String(value)]);
  }
  return out;
}

function isSendable([name, value]: [string, string]): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const areStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

function jsonAnswer(status: number, body: string): HttpAnswer {
  return { status, headers: [['content-type', 'application/json']], body: Buffer.from(body) };
}
