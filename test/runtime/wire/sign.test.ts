import aws4 from 'aws4';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSigner } from '../../../src/runtime/wire/sign.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const id = fc.stringMatching(/^[A-Za-z0-9/+]{1,40}$/);
const request = fc.record({
  host: fc.constantFrom('dynamodb.eu-central-1.amazonaws.com', '127.0.0.1:8000', 'localhost:1'),
  path: fc.constantFrom('/', '/base'),
  target: fc.constantFrom('DynamoDB_20120810.UpdateItem', 'DynamoDB_20120810.GetItem', undefined),
  type: fc.constantFrom('application/x-www-form-urlencoded; charset=utf-8', undefined),
  body: fc.object().map((value) => JSON.stringify(value)),
});
const credentials = fc.record(
  { accessKeyId: id, secretAccessKey: fc.oneof(id, text), sessionToken: id },
  { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
);

it('signs as aws4 does, whatever the request, the credentials and the time', () => {
  const signers = {
    dynamodb: createSigner('eu-central-1'),
    sts: createSigner('eu-central-1', 'sts'),
    ssm: createSigner('eu-central-1', 'ssm'),
  };
  // A few signers in turn, so that the derived key of one is not another's.
  const property = fc.property(
    request,
    credentials,
    fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }),
    fc.constantFrom('dynamodb', 'sts', 'ssm'),
    (one, who, at, service) => {
      const ours = signers[service](one, who, at.getTime());
      const { headers } = aws4.sign(
        {
          service,
          region: 'eu-central-1',
          method: 'POST',
          path: one.path,
          headers: {
            Host: one.host,
            'Content-Type': one.type ?? 'application/x-amz-json-1.0',
            ...(one.target === undefined ? {} : { 'X-Amz-Target': one.target }),
            'X-Amz-Date': ours['x-amz-date'] as string,
          },
          body: one.body,
        },
        who,
      );
      expect(ours['authorization']).toBe(headers?.['Authorization']);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

it('sends the body’s length in bytes and the time it was signed with', () => {
  const headers = createSigner('us-east-1')(
    { host: 'h', path: '/', target: 't', body: 'ü' },
    { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' },
    Date.UTC(2026, 10, 22, 12),
  );
  expect(headers).toMatchObject({
    'content-length': '2',
    'x-amz-date': '20261122T120000Z',
    'x-amz-security-token': 'c',
  });
});
