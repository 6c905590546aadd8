import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HttpApi, type HttpApiOptions, startHttpApi } from '../../src/local/http-api.ts';
import { fixture, sandboxBundle } from './fixtures/bundles.ts';
import { eventually, processesMentioning } from './fixtures/processes.ts';
import { type RawAnswer, type RawRequest, send } from './fixtures/raw-http.ts';

const OUR_KEY = `anb_live_${'a'.repeat(38)}`;
let dir: string;
let sandbox: string;
let lines: string[];
const access = (): string[] => lines.filter((line) => !line.startsWith('['));

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-http-'));
  sandbox = await sandboxBundle(dir);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Killed processes may be seen for a moment longer; a leaked one stays for the two seconds of its watchdog at least. */
const noProcessLeft = () =>
  eventually('no process left', () => processesMentioning(sandbox).length === 0, 1_900);

function start(options: Partial<HttpApiOptions> = {}): Promise<HttpApi> {
  lines = [];
  return startHttpApi({
    port: 0,
    sandbox,
    handler: { name: 'handler', file: fixture('http-handler.mjs'), env: {} },
    log: (line) => lines.push(line),
    now: () => Date.UTC(2026, 10, 22),
    ...options,
  });
}

const withAuthorizer = (): Promise<HttpApi> =>
  start({ authorizer: { name: 'authorizer', file: fixture('http-authorizer.mjs'), env: {} } });

let api: HttpApi;
afterEach(async () => {
  await api.close();
  await noProcessLeft();
});
const ask = (request: RawRequest = {}): Promise<RawAnswer> => send(api.url, request);
const withKey = (key: string, more: RawRequest = {}): Promise<RawAnswer> =>
  ask({ ...more, headers: ['x-api-key', key, ...(more.headers ?? [])] });
const answering = (result: unknown): Promise<RawAnswer> =>
  ask({
    method: 'POST',
    path: '/answer',
    headers: ['content-type', 'application/json'],
    body: JSON.stringify(result),
  });

describe('behind an authorizer', () => {
  beforeEach(async () => {
    api = await withAuthorizer();
  });

  it.each([
    ['no key', []],
    ['an empty key', ['x-api-key', '']],
    ['a blank key', ['x-api-key', '  ']],
    ['a key in another header', ['authorization', 'good']],
  ])('%s is answered 401 before anything runs', async (_, headers) => {
    const answer = await ask({ headers });
    expect(answer).toMatchObject({ status: 401, body: '{"message":"Unauthorized"}' });
    expect(answer.headers['content-type']).toBe('application/json');
    expect(processesMentioning(sandbox)).toEqual([]);
  });

  it.each([
    ['bad', 403, 'Forbidden'],
    ['good,good', 403, 'Forbidden'],
    ['throw', 500, 'Internal Server Error'],
    ['exit', 500, 'Internal Server Error'],
    ['truthy', 500, 'Internal Server Error'],
    ['null', 500, 'Internal Server Error'],
  ])('the key %s is answered %i', async (key, status, message) => {
    const answer = await withKey(key);
    expect(answer).toMatchObject({ status, body: JSON.stringify({ message }) });
    expect(answer.headers['apigw-requestid']).toMatch(/^[\w+/]{15}=$/);
    expect(access()).toEqual([`GET / ${status} 0ms -`]);
  });

  it("hands the authorizer's context on", async () => {
    const event = JSON.parse((await withKey('good', { path: '/a?b=c' })).body);
    expect(event).toMatchObject({ version: '2.0', rawPath: '/a', headers: { 'x-api-key': 'good' } });
    expect(event.requestContext.authorizer).toEqual({ lambda: { tenantId: 'acme', remaining: 7 } });
    expect(JSON.parse((await withKey('plain')).body).requestContext.authorizer).toEqual({ lambda: null });
  });

  it('takes the key header in any case, and refuses two of them', async () => {
    expect((await ask({ headers: ['X-API-Key', 'good'] })).status).toBe(200);
    expect((await ask({ headers: ['x-api-key', 'good', 'X-Api-Key', 'good'] })).status).toBe(403);
  });

  it('asks it with an event of payload format 2.0', async () => {
    const answer = await withKey('echo', {
      method: 'POST',
      path: '/a%20b?x=1',
      headers: ['cookie', 'c=1', 'content-type', 'text/plain'],
      body: 'not for the authorizer',
    });
    const { requestContext } = JSON.parse(answer.body);
    const event = JSON.parse(requestContext.authorizer.lambda.event);
    const { authorizer: _, ...context } = requestContext;
    expect(event).toEqual({
      version: '2.0',
      type: 'REQUEST',
      routeArn: 'arn:aws:execute-api:us-east-1:000000000000:local/$default/POST/a b',
      identitySource: ['echo'],
      routeKey: '$default',
      rawPath: '/a b',
      rawQueryString: 'x=1',
      cookies: ['c=1'],
      headers: expect.objectContaining({ 'x-api-key': 'echo' }),
      queryStringParameters: { x: '1' },
      requestContext: context,
    });
  });

  it('logs one line a request: tenant, but neither key nor query string', async () => {
    await withKey('good', { method: 'DELETE', path: '/items/1?token=secret' });
    await withKey('forged');
    await ask({ path: `/keys/${OUR_KEY}/%C3%BC?x`, headers: ['x-api-key', OUR_KEY] });
    expect(access()).toEqual([
      'DELETE /items/1 200 0ms acme',
      'GET / 200 0ms -',
      'GET /keys/anb_live_…/%C3%BC 403 0ms -',
    ]);
  });
});

describe('with no authorizer (inline mode)', () => {
  beforeEach(async () => {
    api = await start();
  });

  it('every request reaches the handler, keys or not', async () => {
    const event = JSON.parse((await ask({ path: '//odd/../%2F?q=%20' })).body);
    expect(event).toMatchObject({ rawPath: '//odd/..//', rawQueryString: 'q=%20' });
    expect(event.requestContext).not.toHaveProperty('authorizer');
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    const answer = await ask({ method, body: 'hello', headers: ['content-type', 'text/plain'] });
    const event = JSON.parse(answer.body);
    expect(event.requestContext.http.method).toBe(method);
    expect(event).toMatchObject({ body: 'hello', isBase64Encoded: false });
  });

  it('HEAD has the headers of the answer and no body', async () => {
    const answer = await ask({ method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(100);
  });

  it('answers what the handler says', async () => {
    const result = {
      statusCode: 202,
      headers: { 'X-One': '1', connection: 'close' },
      cookies: ['a=1', 'b=2'],
      body: 'ü',
    };
    const answer = await answering(result);
    expect(answer).toMatchObject({ status: 202, body: 'ü' });
    expect(answer.headers).toMatchObject({
      'x-one': '1',
      'x-amzn-remapped-connection': 'close',
      'set-cookie': ['a=1', 'b=2'],
      'content-length': '2',
    });
    expect(await answering({ bare: true })).toMatchObject({ status: 200, body: '{"bare":true}' });
    expect(await answering({ statusCode: 204, body: 'dropped' })).toMatchObject({ status: 204, body: '' });
    expect(await answering({ statusCode: 200, isBase64Encoded: true, body: 'w7w=' })).toMatchObject({
      body: 'ü',
    });
  });

  it.each(['/throw', '/exit'])('%s is answered 500, and the next request well', async (path) => {
    expect(await ask({ path })).toMatchObject({ status: 500, body: '{"message":"Internal Server Error"}' });
    expect((await ask()).status).toBe(200);
  });

  it('a malformed result is answered 500', async () => {
    expect((await answering({ statusCode: 200, body: {} })).status).toBe(500);
  });

  it('masks our keys in what the handler prints', async () => {
    await ask({ path: '/print', headers: ['x-print', `got ${OUR_KEY}!`] });
    await eventually('the line', () => lines.some((line) => line.includes('got')));
    expect(lines).toContain('[handler] got anb_live_…!');
  });

  it('serves many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask({ path: `/${i}` })));
    expect(answers.map((answer) => JSON.parse(answer.body).rawPath)).toEqual(answers.map((_, i) => `/${i}`));
    expect(access()).toHaveLength(50);
  });
});

describe('what API Gateway refuses by itself', () => {
  beforeEach(async () => {
    api = await withAuthorizer();
  });

  it.each([
    ['100 KB of key', ['x-api-key', 'k'.repeat(100_000)]],
    ['11 KB in many headers', Array.from({ length: 4_400 }, (_, i) => (i % 2 ? 'vvvvv' : `x-${i}`))],
  ])('%s: 431', async (_, headers) => {
    const answer = await ask({ headers });
    expect(answer).toMatchObject({ status: 431, body: '{"message":"Request Header Fields Too Large"}' });
    expect(processesMentioning(sandbox)).toEqual([]);
  });

  it('takes 10,240 bytes of request line and header values, and no more', async () => {
    const { port } = new URL(api.url);
    const rest = 'GET / HTTP/1.1'.length + `127.0.0.1:${port}`.length + 'close'.length;
    expect((await withKey('k'.repeat(10_240 - rest))).status).toBe(403);
    expect((await withKey('k'.repeat(10_241 - rest))).status).toBe(431);
  });

  it('takes a body of 10 MB, and no more', async () => {
    const full = Buffer.alloc(10 * 1024 * 1024);
    const over = Buffer.alloc(full.length + 1);
    expect((await withKey('bad', { method: 'POST', body: full })).status).toBe(403);
    expect(await withKey('good', { method: 'POST', body: over })).toMatchObject({
      status: 413,
      body: '{"message":"Request Entity Too Large"}',
    });
  });

  it('a path that cannot be decoded, or a websocket: 400', async () => {
    expect(await withKey('good', { path: '/%zz' })).toMatchObject({
      status: 400,
      body: '{"message":"Bad Request"}',
    });
    const upgrade = ['connection', 'Upgrade', 'upgrade', 'websocket', 'sec-websocket-key', 'AAAA'];
    expect((await withKey('good', { headers: upgrade })).status).toBe(400);
  });

  it.each(['GET / HTTP/1.1\r\nbroken', '\x16\x03\x01\x00', 'CONNECT example.com:443 HTTP/1.1\r\nhost: x'])(
    'survives %j',
    async (text) => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(`${text}\r\n\r\n`);
      socket.resume();
      await once(socket, 'close');
      expect((await withKey('good')).status).toBe(200);
    },
  );

  it('survives a client that leaves in the middle of its body', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write('POST /left HTTP/1.1\r\nhost: x\r\nx-api-key: good\r\ncontent-length: 10\r\n\r\nhal');
    await once(socket, 'connect');
    socket.end();
    await eventually('its line', () => access().length === 1);
    expect(access()).toEqual(['POST /left 400 0ms -']);
    expect((await withKey('good')).status).toBe(200);
  });
});

describe('the port', () => {
  it('that is taken is an error naming --port 0', async () => {
    api = await start();
    await expect(start({ port: Number(new URL(api.url).port) })).rejects.toMatchObject({
      code: 'port_in_use',
      category: 'config',
      exitCode: 2,
      next: 'saasctl dev --port 0',
    });
  });

  it('is the one asked for, on 127.0.0.1 alone', async () => {
    // Below the ports that a system gives out by itself: nobody has it but who asks for it, and then another will do.
    let port = 20_000 + (process.pid % 10_000);
    const started = (): Promise<HttpApi> =>
      start({ port }).catch((error: { code?: string }) => {
        if (error.code !== 'port_in_use') throw error;
        port += 1;
        return started();
      });
    api = await started();
    expect(api.url).toBe(`http://127.0.0.1:${port}`);
    await expect(send(`http://127.0.0.2:${port}`, {})).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('closing', () => {
  /** A request whose handler has begun, and ends once `until` is there. */
  async function held(until: string): Promise<{ answer: Promise<RawAnswer> }> {
    const answer = ask({ path: '/held', headers: ['x-until', until] });
    answer.catch(() => undefined);
    await eventually('the handler to begin', () => lines.includes('[handler] held'));
    return { answer };
  }

  it('lets a request in flight finish, takes no other, and leaves no process', async () => {
    api = await start();
    const until = join(dir, 'let-go');
    const { answer } = await held(until);
    const closed = Promise.all([api.close(), api.close()]);
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    writeFileSync(until, '');
    expect(await answer).toMatchObject({ status: 200, body: 'let go', headers: { connection: 'close' } });
    await closed;
    await noProcessLeft();
  });

  it('does not wait for one that never ends', async () => {
    api = await start();
    const { answer } = await held(join(dir, 'never'));
    await api.close();
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' });
    await noProcessLeft();
  });
});
