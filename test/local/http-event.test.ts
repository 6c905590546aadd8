import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { integrationEvent, readRequest } from '../../src/local/http-event.ts';

const NOW = Date.UTC(2026, 10, 2, 9, 5, 7, 123);

/** A request as Node's server hands it over. */
function request(url: string, headers: [string, string][] = [], method = 'GET'): IncomingMessage {
  return {
    method,
    url,
    httpVersion: '1.1',
    rawHeaders: headers.flat(),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    socket: { remoteAddress: '127.0.0.1', localPort: 4000 },
  } as unknown as IncomingMessage;
}

function facts(url: string, headers: [string, string][] = []) {
  const read = readRequest(request(url, headers), NOW);
  if (read === null) throw new Error('refused');
  return read;
}

const event = (body: Buffer | string, type?: string, more: [string, string][] = []) =>
  integrationEvent(
    facts('/', type === undefined ? more : [['content-type', type], ...more]),
    Buffer.from(body),
  );

describe('the event of payload format 2.0', () => {
  it('has every field that API Gateway sends', () => {
    const read = facts('/a/b?x=1', [
      ['Host', 'localhost:4000'],
      ['User-Agent', 'curl/8'],
    ]);
    expect(integrationEvent(read, Buffer.alloc(0))).toEqual({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/a/b',
      rawQueryString: 'x=1',
      headers: {
        host: 'localhost:4000',
        'user-agent': 'curl/8',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': '4000',
        'x-forwarded-proto': 'http',
      },
      queryStringParameters: { x: '1' },
      requestContext: {
        accountId: '000000000000',
        apiId: 'local',
        domainName: 'localhost',
        domainPrefix: 'localhost',
        http: {
          method: 'GET',
          path: '/a/b',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'curl/8',
        },
        requestId: expect.stringMatching(/^[\w+/]{15}=$/),
        routeKey: '$default',
        stage: '$default',
        time: '02/Nov/2026:09:05:07 +0000',
        timeEpoch: NOW,
      },
      isBase64Encoded: false,
    });
  });

  it('leaves out what the request does not have', () => {
    const bare = integrationEvent(facts('/'), Buffer.alloc(0));
    for (const field of ['cookies', 'queryStringParameters', 'body']) expect(bare).not.toHaveProperty(field);
    expect(bare.requestContext).not.toHaveProperty('authorizer');
  });

  it("carries the authorizer's context", () => {
    const lambda = { tenantId: 'acme' };
    expect(integrationEvent(facts('/'), Buffer.alloc(0), { lambda }).requestContext.authorizer).toEqual({
      lambda,
    });
  });

  it('lower-cases header names and joins duplicates with commas', () => {
    const { headers } = facts('/', [
      ['X-Api-Key', 'a'],
      ['x-API-key', 'b'],
      ['Authorization', 'one'],
      ['authorization', 'two'],
    ]);
    expect(headers).toMatchObject({ 'x-api-key': 'a,b', authorization: 'one,two' });
  });

  it('moves cookies into a list of their own', () => {
    const { headers, cookies } = facts('/', [
      ['Cookie', 'a=1; b=2'],
      ['Cookie', 'c=3'],
    ]);
    expect(cookies).toEqual(['a=1', 'b=2', 'c=3']);
    expect(headers).not.toHaveProperty('cookie');
  });

  it('adds itself to x-forwarded-for', () => {
    expect(facts('/', [['X-Forwarded-For', '10.1.1.1']]).headers['x-forwarded-for']).toBe(
      '10.1.1.1, 127.0.0.1',
    );
  });
});

describe('paths and query strings', () => {
  it.each([
    ['/', '/', ''],
    ['//x/../y', '//x/../y', ''],
    ['/a%20b/%C3%BC', '/a b/ü', ''],
    ['/a?', '/a', ''],
    ['/a?b?c=%20', '/a', 'b?c=%20'],
    ['http://other.example:9/p?q=1', '/p', 'q=1'],
    ['http://other.example?q=1', '/', 'q=1'],
    ['*', '*', ''],
  ])('%s: the path decoded, the query string as it came', (url, rawPath, rawQueryString) => {
    expect(facts(url)).toMatchObject({
      rawPath,
      rawQueryString,
      requestContext: { http: { path: rawPath } },
    });
  });

  it.each(['/%', '/%zz', '/%ff'])('%s is refused', (url) => {
    expect(readRequest(request(url), NOW)).toBeNull();
  });

  it('decodes parameters and joins duplicates with commas', () => {
    expect(facts('/?a=1&a=2&b=%C3%BC+x&c&d=%zz').queryStringParameters).toEqual({
      a: '1,2',
      b: 'ü x',
      c: '',
      d: '%zz',
    });
  });

  it('takes names of the prototype for names', () => {
    const { queryStringParameters, headers } = facts('/?__proto__=1&constructor=2', [['__proto__', 'x']]);
    expect(JSON.stringify(queryStringParameters)).toBe('{"__proto__":"1","constructor":"2"}');
    expect(Object.entries(headers)).toContainEqual(['__proto__', 'x']);
  });
});

describe('bodies', () => {
  it.each([
    'text/plain',
    'text/html; charset=utf-8',
    'application/json',
    'Application/JSON;charset=utf-8',
    'application/problem+json',
    'application/xml',
    'application/javascript',
  ])('%s is text', (type) => {
    expect(event('{"ü":1}', type)).toMatchObject({ body: '{"ü":1}', isBase64Encoded: false });
  });

  it.each([
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'image/png',
    'application/jsonp',
    undefined,
  ])('%s is base64', (type) => {
    expect(event('a=1', type)).toMatchObject({ body: 'YT0x', isBase64Encoded: true });
  });

  it('text that is not UTF-8, or compressed, is base64: nothing is lost', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00]);
    expect(event(bytes, 'text/plain')).toMatchObject({
      body: bytes.toString('base64'),
      isBase64Encoded: true,
    });
    expect(event('x', 'text/plain', [['content-encoding', 'gzip']])).toMatchObject({ isBase64Encoded: true });
  });
});
