// DynamoDB over HTTP that fails where it is told to, and says what it was really asked and what it applied.
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { dynamoError, type MemoryDynamo, memoryDynamo } from '../memory-dynamo.ts';

export type Fault =
  | 'none'
  | 'drop before apply'
  | 'drop after apply'
  | '500 before apply'
  | '500 after apply'
  | 'hang after apply'
  | 'half a response'
  | 'garbage'
  | 'empty 200'
  | 'html 502'
  | 'html 403'
  | 'throttle'
  | 'conflict'
  | 'denied';

export interface FaultyServer {
  endpoint: string;
  dynamo: MemoryDynamo;
  /** Every operation that arrived, in order. */
  received: string[];
  headers: IncomingMessage['headers'][];
  /** One for each coming request; after the last, all goes well. */
  faults: Fault[];
  /** Connections ever accepted. */
  connections(): number;
  close(): Promise<void>;
}

export async function startFaultyServer(tls?: { key: string; cert: string }): Promise<FaultyServer> {
  const dynamo = memoryDynamo();
  const received: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const faults: Fault[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;

  async function onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += chunk;
    const operation = String(request.headers['x-amz-target'] ?? request.method).replace(
      'DynamoDB_20120810.',
      '',
    );
    received.push(operation);
    headers.push(request.headers);
    if (operation === 'GET') return void response.end('healthy');
    const apply = () => dynamo.handle(operation, JSON.parse(text));
    const answer = ({ status, body }: { status: number; body: object }) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
    };
    const page = (status: number) => void response.writeHead(status).end('<html></html>');
    switch (faults.shift()) {
      case 'drop before apply':
        return void response.socket?.destroy();
      case 'drop after apply':
        apply();
        return void response.socket?.destroy();
      case '500 before apply':
        return answer(dynamoError(500, 'InternalServerError'));
      case '500 after apply':
        apply();
        return answer(dynamoError(500, 'InternalServerError'));
      case 'hang after apply':
        apply();
        return;
      case 'half a response': {
        const whole = JSON.stringify(apply().body);
        response.writeHead(200, { 'content-length': whole.length });
        response.write(whole.slice(0, whole.length / 2), () => response.socket?.destroy());
        return;
      }
      case 'garbage':
        apply();
        return void response.end('{"Attributes":{"PK":');
      case 'empty 200':
        apply();
        return void response.end('{}');
      case 'html 502':
        return page(502);
      case 'html 403':
        return page(403);
      case 'throttle':
        return answer(dynamoError(400, 'ProvisionedThroughputExceededException'));
      case 'conflict':
        return answer(dynamoError(400, 'TransactionConflictException'));
      case 'denied':
        return answer(dynamoError(400, 'AccessDeniedException'));
      case 'none':
      case undefined:
        return answer(apply());
    }
  }

  const server = tls ? createSecure(tls, onRequest) : createPlain(onRequest);
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    dynamo,
    received,
    headers,
    faults,
    connections: () => accepted,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
