import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOf } from '../../src/local/http-answer.ts';

const answered = (result: unknown) => {
  const answer = answerOf(JSON.stringify(result));
  return answer && { ...answer, body: answer.body.toString('utf8') };
};

describe('a structured result', () => {
  it('gives status, headers, cookies and body', () => {
    const result = {
      statusCode: 201,
      headers: { 'X-Count': 3, 'x-on': true, 'content-type': 'text/html' },
      cookies: ['a=1; Path=/', 'b=2'],
      body: '<p>',
    };
    expect(answered(result)).toEqual({
      status: 201,
      headers: [
        ['x-count', '3'],
        ['x-on', 'true'],
        ['content-type', 'text/html'],
        ['set-cookie', 'a=1; Path=/'],
        ['set-cookie', 'b=2'],
      ],
      body: '<p>',
    });
  });

  it('is text/plain unless it says otherwise, and needs no body', () => {
    const empty = { status: 204, headers: [['content-type', 'text/plain;charset=UTF-8']], body: '' };
    expect(answered({ statusCode: 204 })).toEqual(empty);
    expect(answered({ statusCode: '204', headers: null, body: null })).toEqual(empty);
  });

  it('may carry bytes', () => {
    const answer = answerOf(JSON.stringify({ statusCode: 200, isBase64Encoded: true, body: '//4A' }));
    expect(answer?.body).toEqual(Buffer.from([0xff, 0xfe, 0x00]));
  });

  it("cannot set API Gateway's own headers", () => {
    const headers = {
      Connection: 'close',
      'Content-Length': '1',
      'transfer-encoding': 'chunked',
      'retry-after': '1',
    };
    expect(answered({ statusCode: 429, headers })?.headers.map(([name]) => name)).toEqual([
      'x-amzn-remapped-connection',
      'x-amzn-remapped-content-length',
      'x-amzn-remapped-transfer-encoding',
      'retry-after',
      'content-type',
    ]);
  });
});

describe('any other value is a 200 of JSON', () => {
  it.each([
    ['Hello', 'Hello'],
    [{ a: 1 }, '{"a":1}'],
    [{ body: 'x', headers: {} }, '{"body":"x","headers":{}}'],
    [[1, 2], '[1,2]'],
    [7, '7'],
    [null, 'null'],
  ])('%j', (result, body) => {
    expect(answered(result)).toEqual({ status: 200, headers: [['content-type', 'application/json']], body });
  });
});

describe('a malformed result', () => {
  it.each([
    { statusCode: 'ok' },
    { statusCode: 99 },
    { statusCode: 100 },
    { statusCode: 600 },
    { statusCode: 200.5 },
    { statusCode: null },
    { statusCode: [200] },
    { statusCode: { toString: '', valueOf: '' } },
    { statusCode: 200, body: { a: 1 } },
    { statusCode: 200, headers: 'x: y' },
    { statusCode: 200, headers: ['x'] },
    { statusCode: 200, headers: { x: ['y'] } },
    { statusCode: 200, headers: { x: 'a\r\nset-cookie: b' } },
    { statusCode: 200, headers: { 'x y': 'a' } },
    { statusCode: 200, cookies: 'a=1' },
    { statusCode: 200, cookies: [1] },
    { statusCode: 200, cookies: ['a\nb'] },
  ])('%j', (result) => {
    expect(answered(result)).toBeNull();
  });

  it('is also what is not JSON', () => {
    expect(answerOf('{"statusCode": 200')).toBeNull();
    expect(answerOf('')).toBeNull();
  });

  it('never throws', () => {
    const result = fc.record(
      {
        statusCode: fc.oneof(fc.integer(), fc.jsonValue()),
        headers: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.jsonValue()),
        cookies: fc.jsonValue(),
        body: fc.jsonValue(),
        isBase64Encoded: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(result, fc.jsonValue()), (value) => {
        const answer = answerOf(JSON.stringify(value));
        expect(answer === null || (answer.status >= 200 && answer.status <= 599)).toBe(true);
      }),
    );
  });
});
