import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const BASE = '/2018-06-01/runtime';
/** Lambda's own limit on a response, bytes. */
const RESPONSE_LIMIT = 6 * 1024 * 1024;

export interface FunctionError {
  errorType: string;
  errorMessage: string;
  /** Lines of the stack, where the function gave one. */
  trace: string[];
}

/** What an invocation came to: the function's JSON as it wrote it, or its error. */
export type Outcome = { ok: true; payload: string } | { ok: false; error: FunctionError };

export interface Invocation {
  requestId: string;
  /** The event, as JSON. */
  payload: string;
  /** Epoch ms. */
  deadline: number;
  functionArn: string;
}

export interface RuntimeApi {
  /** `127.0.0.1:<port>`, for `AWS_LAMBDA_RUNTIME_API`. */
  address: string;
  /** Settles at the first poll (null) or with what kept the function from loading. */
  initialised: Promise<FunctionError | null>;
  /** Hands out one invocation; only one may be under way. */
  invoke(invocation: Invocation): Promise<Outcome>;
  /** Answers what is under way in the function's stead: it crashed or ran out of time. */
  abort(error: FunctionError): void;
  close(): void;
}

/** The Lambda Runtime API for one sandbox, on a free port of 127.0.0.1. */
export async function startRuntimeApi(): Promise<RuntimeApi> {
  let poll: ServerResponse | null = null;
  let waiting: Invocation | null = null;
  let running: { requestId: string; settle: (outcome: Outcome) => void } | null = null;
  let initialise: (error: FunctionError | null) => void = () => undefined;
  const initialised = new Promise<FunctionError | null>((settle) => {
    initialise = settle;
  });

  function deliver(): void {
    if (poll === null || waiting === null) return;
    poll.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': waiting.requestId,
      'lambda-runtime-deadline-ms': String(waiting.deadline),
      'lambda-runtime-invoked-function-arn': waiting.functionArn,
    });
    poll.end(waiting.payload);
    poll = null;
    waiting = null;
  }

  function settle(outcome: Outcome): void {
    running?.settle(outcome);
    running = null;
    waiting = null;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (request.method === 'GET' && path === `${BASE}/invocation/next`) {
      poll = response;
      initialise(null);
      return deliver();
    }
    const body = await bodyOf(request);
    if (path === `${BASE}/init/error`) {
      initialise(functionError(body));
      return accept(response, 202);
    }
    const [, id, kind] = new RegExp(`^${BASE}/invocation/([^/]+)/(response|error)$`).exec(path) ?? [];
    if (running === null || id !== running.requestId) return accept(response, 400);
    if (kind === 'error') settle({ ok: false, error: functionError(body) });
    else if (body === null) settle({ ok: false, error: TOO_LARGE });
    else settle({ ok: true, payload: body });
    accept(response, body === null ? 413 : 202);
  }

  const server = createServer((request, response) => {
    // A sandbox that goes away in the middle of a request is reported by its exit.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    initialised,
    invoke(invocation) {
      return new Promise((resolve) => {
        running = { requestId: invocation.requestId, settle: resolve };
        waiting = invocation;
        deliver();
      });
    },
    abort(error) {
      initialise(error);
      settle({ ok: false, error });
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const TOO_LARGE: FunctionError = {
  errorType: 'Function.ResponseSizeTooLarge',
  errorMessage: `the response is larger than ${RESPONSE_LIMIT} bytes`,
  trace: [],
};

function accept(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end('{"status":"OK"}');
}

/** The whole body as text, or null when it is larger than Lambda takes. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= RESPONSE_LIMIT) chunks.push(chunk);
  }
  return size > RESPONSE_LIMIT ? null : Buffer.concat(chunks).toString('utf8');
}

function functionError(body: string | null): FunctionError {
  try {
    const { errorType, errorMessage, trace } = JSON.parse(body ?? '') as Record<string, unknown>;
    return {
      errorType: String(errorType ?? 'Error'),
      errorMessage: String(errorMessage ?? ''),
      trace: Array.isArray(trace) ? trace.map(String) : [],
    };
  } catch {
    return { errorType: 'Error', errorMessage: 'the function failed without saying why', trace: [] };
  }
}
