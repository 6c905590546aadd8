import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SaasctlError } from '../core/errors.ts';
import { createFunctionPool, type FunctionPool } from './function-pool.ts';
import type { FunctionSpec } from './function-sandbox.ts';
import { answerOf, BAD_REQUEST, type HttpAnswer, SERVER_ERROR } from './http-answer.ts';
import { authorize } from './http-authorizer.ts';
import { integrationEvent, type RequestFacts, readRequest } from './http-event.ts';
import { readBody, refusal } from './http-limits.ts';

/** Up to here it is we who answer 431, with API Gateway's body; beyond it Node does. */
const READ_HEADERS_UP_TO = 1024 * 1024;
const DRAIN_MS = 2_000;

export interface HttpApiOptions {
  /** TCP port of 127.0.0.1; 0 takes a free one. */
  port: number;
  /** Path of the built sandbox client (`dist/local/sandbox.mjs`). */
  sandbox: string;
  /** REQUEST authorizer, payload 2.0; none where the handler does the gate itself. */
  authorizer?: FunctionSpec;
  /** Whether the authorizer takes bearer tokens too. */
  tokens?: boolean;
  handler: FunctionSpec;
  /** Takes the access lines and what the functions print. API keys and tokens are masked before. */
  log(line: string): void;
  /** Epoch ms. */
  now?: () => number;
}

export interface HttpApi {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Takes no more requests, gives those in flight 2 s, then stops the sandboxes. May be called again. */
  close(): Promise<void>;
}

/** Serves a local HTTP API with API Gateway's semantics. Throws `port_in_use` or `port_not_allowed` (config). */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const log = (line: string): void => options.log(line.replace(OUR_KEYS, '$1…').replace(TOKENS, 'eyJ…'));
  const deps = { sandbox: options.sandbox, log };
  const authorizer = options.authorizer && createFunctionPool(options.authorizer, deps);
  const handler = createFunctionPool(options.handler, deps);
  const now = options.now ?? Date.now;

  const server = createServer({ maxHeaderSize: READ_HEADERS_UP_TO }, (request, response) => {
    const begun = now();
    const facts = readRequest(request, begun);
    serve(request, facts, handler, authorizer, options.tokens === true)
      .catch((): Served => ({ answer: request.complete ? SERVER_ERROR : BAD_REQUEST, tenant: null }))
      .then(({ answer, tenant }) => {
        send(response, answer, facts?.requestContext.requestId, server.listening);
        const path = (request.url ?? '').split('?', 1)[0];
        log(`${request.method} ${path} ${answer.status} ${now() - begun}ms ${tenant ?? '-'}`);
      });
  });
  // Node drops what is over this count without a word, also from the size we check.
  server.maxHeadersCount = 0;
  await listen(server, options.port);

  let closing: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      closing ??= drain(server).then(async () => {
        await Promise.all([authorizer?.close(), handler.close()]);
      });
      return closing;
    },
  };
}

/** Keys of our shape, wherever they turn up: in a path, or in what a function prints. */
const OUR_KEYS = /([a-z][a-z0-9]{1,11}_(?:live|test)_)[0-9A-Za-z]{38}/g;

/** JWTs: their header is a JSON object, and so begins with these letters. */
const TOKENS = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;

interface Served {
  answer: HttpAnswer;
  /** From the authorizer's context, for the access line. */
  tenant: string | null;
}

async function serve(
  request: IncomingMessage,
  facts: RequestFacts | null,
  handler: FunctionPool,
  authorizer: FunctionPool | undefined,
  tokens: boolean,
): Promise<Served> {
  const body = await readBody(request);
  const refused = refusal(request, facts, body);
  if (refused !== null || facts === null || body === null)
    return { answer: refused ?? SERVER_ERROR, tenant: null };
  if (authorizer === undefined) return { answer: await integrate(handler, facts, body), tenant: null };
  const authorization = await authorize(authorizer, facts, tokens);
  if (!authorization.allowed) return { answer: authorization.answer, tenant: null };
  const { context } = authorization;
  return { answer: await integrate(handler, facts, body, { lambda: context }), tenant: tenantOf(context) };
}

async function integrate(
  handler: FunctionPool,
  facts: RequestFacts,
  body: Buffer,
  authorizer?: { lambda: unknown },
): Promise<HttpAnswer> {
  const outcome = await handler.invoke(integrationEvent(facts, body, authorizer));
  return (outcome.ok ? answerOf(outcome.payload) : null) ?? SERVER_ERROR;
}

function tenantOf(context: Record<string, unknown> | null): string | null {
  const tenantId = context?.['tenantId'];
  // Written into a line of its own: nothing that could end it or look like another field.
  return typeof tenantId === 'string' && /^[\w.-]{1,64}$/.test(tenantId) ? tenantId : null;
}

function send(
  response: ServerResponse,
  { status, headers, body }: HttpAnswer,
  requestId: string | undefined,
  keepAlive: boolean,
): void {
  for (const [name, value] of headers) response.appendHeader(name, value);
  if (requestId !== undefined) response.setHeader('apigw-requestid', requestId);
  if (!keepAlive) response.setHeader('connection', 'close');
  const bodiless = status === 204 || status === 304;
  if (!bodiless) response.setHeader('content-length', body.length);
  response.writeHead(status);
  response.end(bodiless ? undefined : body);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)));
    server.listen(port, '127.0.0.1', resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, port: number): unknown {
  if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return error;
  const inUse = error.code === 'EADDRINUSE';
  return new SaasctlError({
    code: inUse ? 'port_in_use' : 'port_not_allowed',
    category: 'config',
    message: inUse
      ? `port ${port} of 127.0.0.1 is in use by another program`
      : `port ${port} needs more rights than this user has`,
    hint: 'Port 0 takes any free port, and the ready line says which.',
    next: 'saasctl dev --port 0',
    cause: error,
  });
}

async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const limit = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(limit);
}
