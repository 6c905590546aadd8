// A server that answers as AWS does, from a script, and keeps what it was asked.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudSettings } from '../../../src/adapters/cloud/client.ts';

export interface Asked {
  /** The query protocol’s `Action`, JSON’s target, or the method and path. */
  action: string;
  headers: IncomingMessage['headers'];
  body: string;
  form: URLSearchParams;
}
export interface Answered {
  status?: number;
  body: string;
  headers?: Record<string, string>;
}
export type Script = (asked: Asked, number: number) => Answered;

const ENV = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI',
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** Until `close`, the SDK’s own variables point to the server. */
export async function awsServer(script: Script) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const form = new URLSearchParams(body);
      const target = String(request.headers['x-amz-target'] ?? '');
      const action = form.get('Action') ?? (target !== '' ? target : `${request.method} ${request.url}`);
      const one = { action, headers: request.headers, body, form };
      asked.push(one);
      const answer = script(one, asked.filter((other) => other.action === action).length);
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const set: Record<string, string | undefined> = { ...ENV, AWS_ENDPOINT_URL: endpoint };
  const before = Object.fromEntries(Object.keys(set).map((name) => [name, process.env[name]]));
  const apply = (values: Record<string, string | undefined>): void => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  apply(set);
  const traced: string[] = [];
  const settings: CloudSettings = {
    region: 'eu-central-1',
    awsProfile: null,
    trace: (line) => {
      traced.push(line);
    },
  };
  return {
    endpoint,
    asked,
    traced,
    settings,
    async close() {
      apply(before);
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** The query protocol’s answer. */
export const xml = (action: string, inside: string): Answered => ({
  body: `<${action}Response><${action}Result>${inside}</${action}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></${action}Response>`,
});
export const xmlError = (code: string, message: string, status = 400): Answered => ({
  status,
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`,
});
