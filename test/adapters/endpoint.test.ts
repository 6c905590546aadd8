import { describe, expect, it } from 'vitest';
import { checkEndpoint } from '../../src/adapters/endpoint.ts';

const VARIABLE = 'AWS_ENDPOINT_URL_DYNAMODB';

describe('an endpoint from the environment', () => {
  it.each(['http://127.0.0.1:8000', 'https://dynamodb.eu-west-1.amazonaws.com', 'http://[::1]:8000/'])(
    '%s is taken as it is',
    (url) => expect(checkEndpoint(url, VARIABLE)).toBe(url),
  );

  it.each(['nonsense', 'ftp://x', 'localhost:8000', 'http://', 'http://127.0.0.1:99999', ''])(
    '%j is refused, and the variable named',
    (url) => {
      const check = () => checkEndpoint(url, VARIABLE);
      expect(check).toThrow(expect.objectContaining({ code: 'bad_endpoint', exitCode: 2 }));
      expect(check).toThrow(`${VARIABLE} is ${JSON.stringify(url)}`);
    },
  );

  it('is not repeated with the password in it', () => {
    expect(() => checkEndpoint('ftp://me:hunter2@host', VARIABLE)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});
