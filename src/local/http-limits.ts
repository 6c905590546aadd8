import type { IncomingMessage } from 'node:http';
import { BAD_REQUEST, gatewayAnswer, type HttpAnswer } from './http-answer.ts';
import type { RequestFacts } from './http-event.ts';

/** API Gateway's limits, bytes. */
const BODY_LIMIT = 10 * 1024 * 1024;
const HEADER_LIMIT = 10_240;

/** What API Gateway refuses before it looks for a route. */
export function refusal(
  request: IncomingMessage,
  facts: RequestFacts | null,
  body: Buffer | null,
): HttpAnswer | null {
  if (headerBytes(request) > HEADER_LIMIT) return gatewayAnswer(431, 'Request Header Fields Too Large');
  if (facts === null) return BAD_REQUEST;
  if (/\bwebsocket\b/i.test(request.headers.upgrade ?? '')) return BAD_REQUEST;
  if (body === null) return gatewayAnswer(413, 'Request Entity Too Large');
  return null;
}

/** The request line and the header values, as API Gateway counts them. */
function headerBytes({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  let size = `${method} ${url} HTTP/1.1`.length;
  for (let i = 1; i < rawHeaders.length; i += 2) size += rawHeaders[i]?.length ?? 0;
  return size;
}

/** The whole body, or null when it is over the limit. Reads on to its end: only then do clients read answers. */
export async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > BODY_LIMIT ? null : Buffer.concat(chunks);
}
