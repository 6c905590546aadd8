// Stands between a DynamoDB client and its engine: sees every call, and fails where it is told to.
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

// biome-ignore lint/suspicious/noExplicitAny: DynamoDB's JSON, read as it comes
type Json = any;

/** One POST as it arrived, and what the engine answered to it (`null`: it was never asked). */
export interface Call {
  operation: string;
  body: Json;
  answer: { status: number; body: Json } | null;
}

/**
 * `conflict`, `throttle`, `denied`: refused as AWS refuses it, nothing applied. `lose answer`: applied, then the
 * connection is cut. `half answer`: the same, in the middle of the answer. `die`: the same as losing it, and nobody
 * listens from then on. `cut`: not applied, the connection cut.
 * `leave`: answered as it should be, and nobody listens from then on. `web page`: not applied, HTML instead.
 */
export type Fault = Refusal | 'lose answer' | 'half answer' | 'die' | 'cut' | 'leave' | 'web page';

type Refusal = 'conflict' | 'throttle' | 'denied';

export interface WireProxy {
  endpoint: string;
  /** Every call so far, in order. */
  calls: Call[];
  operations(): string[];
  /** Asked before each call is forwarded; what it awaits happens before the engine sees the call. */
  rule: (call: Call) => Fault | undefined | Promise<Fault | undefined>;
  close(): Promise<void>;
}

/** With `capacity`, the engine is asked to say in each answer what the call consumed. */
export async function startProxy(engine: string, options: { capacity?: boolean } = {}): Promise<WireProxy> {
  const { hostname, port } = new URL(engine);
  const agent = new Agent({ keepAlive: true });
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    exchange(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const proxy: WireProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    operations: () => proxy.calls.map(({ operation }) => operation),
    rule: () => undefined,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      agent.destroy();
    },
  };

  function forward(incoming: IncomingMessage, body: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const headers = { ...incoming.headers, 'content-length': Buffer.byteLength(body) };
      request({ hostname, port, agent, method: incoming.method, path: incoming.url, headers }, (answer) => {
        text(answer).then((said) => resolve({ status: answer.statusCode ?? 0, body: said }), reject);
      })
        .on('error', reject)
        .end(body);
    });
  }

  async function exchange(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const sent = await text(incoming);
    if (incoming.method !== 'POST') {
      const { status, body } = await forward(incoming, sent);
      outgoing.writeHead(status).end(body);
      return;
    }
    const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '');
    const call: Call = { operation, body: JSON.parse(sent), answer: null };
    proxy.calls.push(call);
    const fault = await proxy.rule(call);
    if (fault === 'cut') return void outgoing.destroy();
    if (fault === 'web page')
      return void outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>');
    if (fault === 'conflict' || fault === 'throttle' || fault === 'denied')
      return reply(outgoing, 400, refusal(call, fault));
    const asked = options.capacity ? { ...call.body, ReturnConsumedCapacity: 'TOTAL' } : call.body;
    const { status, body } = await forward(incoming, JSON.stringify(asked));
    call.answer = { status, body: JSON.parse(body) };
    if (fault === 'die') return void proxy.close();
    if (fault === 'lose answer') return void outgoing.destroy();
    if (fault === 'half answer') return half(outgoing, body);
    if (fault === 'leave') {
      server.close();
      for (const socket of sockets) if (socket !== outgoing.socket) socket.destroy();
      outgoing.setHeader('connection', 'close');
    }
    reply(outgoing, status, call.answer.body);
  }
  return proxy;
}

function reply(outgoing: ServerResponse, status: number, body: Json): void {
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
}

function half(outgoing: ServerResponse, body: string): void {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'content-length': body.length };
  outgoing.writeHead(200, headers).write(body.slice(0, -1), () => outgoing.destroy());
}

/** A transaction says for each of its items, in order, why it was cancelled. */
function refusal({ operation, body }: Call, fault: Refusal): Json {
  const of = (name: string) => `com.amazonaws.dynamodb.v20120810#${name}`;
  if (fault === 'denied' || operation !== 'TransactWriteItems') {
    const name = {
      conflict: 'TransactionConflictException',
      throttle: 'ThrottlingException',
      denied: 'AccessDeniedException',
    }[fault];
    return { __type: of(name), message: 'refused' };
  }
  const Code = fault === 'conflict' ? 'TransactionConflict' : 'ThrottlingError';
  const reasons = body.TransactItems.map((_: Json, at: number, all: Json[]) =>
    at === all.length - 1 ? { Code, Message: 'refused' } : { Code: 'None' },
  );
  return {
    __type: of('TransactionCanceledException'),
    Message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
    CancellationReasons: reasons,
  };
}
