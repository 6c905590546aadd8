// STS, SSM, Secrets Manager and a table on one port: who took which role for whom, and whose keys each caller asked for.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type AwsFault = 'throttle' | 'denied' | '500' | 'drop' | 'hang' | 'garbage';

export interface FakeAws {
  endpoint: string;
  /** One for each coming request to STS or to a store of secrets; after the last, all goes well. */
  faults: AwsFault[];
  /** AssumeRole as it came: who asked, and the form. */
  assumed: { by: string; form: Record<string, string> }[];
  /** Reads of secrets, by name. */
  read: string[];
  /** By name; of either store. */
  secrets: Map<string, string>;
  /** Requests for items, by the access key that signed and the partition key that was named. */
  items: { signer: string; tenant: string | null; pk: string }[];
  /** Connections ever accepted. */
  connections(): number;
  close(): Promise<void>;
}

const SECRET_IN_MESSAGES = 'x-amz-security-token:FQoGZXIvYXdzE…';

export async function startFakeAws(now: () => number = Date.now): Promise<FakeAws> {
  const sessions = new Map<string, string>();
  const sockets = new Set<Socket>();
  const state = { accepted: 0 };
  const fake: Omit<FakeAws, 'endpoint' | 'close' | 'connections'> = {
    faults: [],
    assumed: [],
    read: [],
    secrets: new Map(),
    items: [],
  };

  function assumeRole(signer: string, text: string): { status: number; text: string } {
    const form = Object.fromEntries(new URLSearchParams(text));
    fake.assumed.push({ by: signer, form });
    const accessKeyId = `ASIA${fake.assumed.length}`;
    sessions.set(accessKeyId, form['Tags.member.1.Value'] ?? '');
    const ends = new Date(now() + Number(form['DurationSeconds']) * 1000).toISOString();
    return {
      status: 200,
      text: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>s/+${accessKeyId}</SecretAccessKey>
        <SessionToken>token+/of==${accessKeyId}</SessionToken><Expiration>${ends}</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>`,
    };
  }

  function readSecret(target: string, body: Record<string, unknown>): { status: number; text: string } {
    const isParameter = target === 'AmazonSSM.GetParameter';
    const name = String(isParameter ? body['Name'] : body['SecretId']);
    fake.read.push(name);
    const text = fake.secrets.get(name);
    if (text === undefined) {
      const type = isParameter ? 'ParameterNotFound' : 'ResourceNotFoundException';
      return { status: 400, text: JSON.stringify({ __type: type }) };
    }
    if (isParameter && body['WithDecryption'] !== true)
      return { status: 200, text: JSON.stringify({ Parameter: { Value: 'AQICAHh-still-encrypted' } }) };
    return {
      status: 200,
      text: JSON.stringify(isParameter ? { Parameter: { Value: text } } : { SecretString: text }),
    };
  }

  /** A table that lets a session at the keys of its tag alone, and the function itself at any. */
  function item(signer: string, body: Record<string, unknown>): { status: number; text: string } {
    const pk = (body['Key'] as { PK: { S: string } }).PK.S;
    const tenant = sessions.get(signer) ?? null;
    fake.items.push({ signer, tenant, pk });
    if (tenant !== null && pk !== `TENANT#${tenant}`)
      return { status: 400, text: JSON.stringify({ __type: 'com.amazon#AccessDeniedException' }) };
    return { status: 200, text: JSON.stringify({ Item: { PK: { S: pk }, SK: { S: 'a' } } }) };
  }

  function faulted(fault: AwsFault | undefined, isQuery: boolean) {
    const error = (status: number, code: string, message: string) => ({
      status,
      text: isQuery
        ? `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`
        : JSON.stringify({ __type: code, message }),
    });
    if (fault === 'throttle')
      return error(400, isQuery ? 'Throttling' : 'ThrottlingException', 'Rate exceeded');
    if (fault === 'denied')
      return error(
        isQuery ? 403 : 400,
        isQuery ? 'AccessDenied' : 'AccessDeniedException',
        'User: arn:aws:sts::1:assumed-role/f is not authorized to perform: it',
      );
    if (fault === '500') return error(500, 'InternalFailure', 'oops');
    if (fault === 'garbage') return error(403, 'SignatureDoesNotMatch', SECRET_IN_MESSAGES);
    return null;
  }

  const server = createServer(async (request: IncomingMessage, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const signer = /Credential=(\w+)\//.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
    const target = String(request.headers['x-amz-target'] ?? '');
    const answer = (one: { status: number; text: string }) =>
      void response.writeHead(one.status).end(one.text);
    if (target.startsWith('DynamoDB')) return answer(item(signer, JSON.parse(text)));
    const fault = fake.faults.shift();
    if (fault === 'drop') return void response.socket?.destroy();
    if (fault === 'hang') return;
    const failed = faulted(fault, target === '');
    if (failed !== null) return answer(failed);
    answer(target === '' ? assumeRole(signer, text) : readSecret(target, JSON.parse(text)));
  });
  server.on('connection', (socket: Socket) => {
    state.accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...fake,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => state.accepted,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
