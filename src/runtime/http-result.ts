/** A structured Lambda result of an HTTP API (payload 2.0). */
export interface HttpResult {
  statusCode: number;
  headers?: Record<string, string | number | boolean>;
  body?: string;
  cookies?: string[];
  isBase64Encoded?: boolean;
}

/**
 * A handler's result with more headers. What has no `statusCode` becomes the answer that API Gateway infers:
 * 200, JSON, a string as it is. A header that the handler set itself stays.
 */
export function addHeaders(result: unknown, headers: Readonly<Record<string, string>>): unknown {
  const structured = isStructured(result) ? result : inferred(result);
  const theirs = structured.headers ?? {};
  const set = new Set(Object.keys(theirs).map((name) => name.toLowerCase()));
  const ours = Object.entries(headers).filter(([name]) => !set.has(name));
  return { ...structured, headers: { ...theirs, ...Object.fromEntries(ours) } };
}

function isStructured(result: unknown): result is HttpResult {
  return typeof result === 'object' && result !== null && 'statusCode' in result;
}

function inferred(result: unknown): HttpResult {
  const body = typeof result === 'string' ? result : (JSON.stringify(result) ?? 'null');
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body };
}
