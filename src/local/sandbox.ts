/*
 * The light Lambda runtime client: `node sandbox.mjs <module file>`. Polls AWS_LAMBDA_RUNTIME_API, calls the
 * module's `handler(event, context)`, one invocation at a time, and ends when the poll fails.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { pathToFileURL } from 'node:url';

type Handler = (event: unknown, context: unknown) => unknown;

const { AWS_LAMBDA_RUNTIME_API: api = '', AWS_LAMBDA_FUNCTION_NAME: functionName = '' } = process.env;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function call(
  method: 'GET' | 'POST',
  path: string,
  body?: string,
): Promise<{ headers: IncomingHttpHeaders; text: string }> {
  return new Promise((resolve, reject) => {
    const url = `http://${api}/2018-06-01/runtime/${path}`;
    const outgoing = request(url, { method, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }),
      );
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function errorBody(thrown: unknown): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return JSON.stringify({
    errorType: error.name,
    errorMessage: error.message,
    trace: (error.stack ?? '').split('\n'),
  });
}

async function loadHandler(file: string): Promise<Handler> {
  const module = (await import(pathToFileURL(file).href)) as { handler?: unknown; default?: unknown };
  // A CommonJS module whose exports Node could not tell apart has them all under `default`.
  const handler = module.handler ?? (module.default as { handler?: unknown } | undefined)?.handler;
  if (typeof handler !== 'function') throw new TypeError(`${file} does not export a function named handler`);
  return handler as Handler;
}

function contextOf(headers: IncomingHttpHeaders): Record<string, unknown> {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    functionName,
    functionVersion: '$LATEST',
    memoryLimitInMB: '128',
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function run(handler: Handler): Promise<never> {
  for (;;) {
    const { headers, text } = await call('GET', 'invocation/next');
    const id = headers['lambda-runtime-aws-request-id'];
    let kind = 'response';
    let body: string;
    try {
      // As on Lambda, undefined becomes null.
      body = JSON.stringify((await handler(JSON.parse(text), contextOf(headers))) ?? null);
    } catch (error) {
      kind = 'error';
      body = errorBody(error);
    }
    await call('POST', `invocation/${id}/${kind}`, body);
  }
}

try {
  const handler = await loadHandler(process.argv[2] ?? '');
  await run(handler).catch(() => process.exit(0));
} catch (error) {
  await call('POST', 'init/error', errorBody(error)).catch(() => undefined);
  process.exit(1);
}
