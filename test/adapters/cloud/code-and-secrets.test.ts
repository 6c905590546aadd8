import { afterEach, describe, expect, it } from 'vitest';
import { openAccount } from '../../../src/adapters/cloud/account.ts';
import { openCodeBucket } from '../../../src/adapters/cloud/code-bucket.ts';
import { openSecretParameters } from '../../../src/adapters/cloud/secret-parameters.ts';
import type { Config } from '../../../src/config/load.ts';
import { openCloud } from '../../../src/deps/cloud.ts';
import { testIo } from '../../../src/ui/test-io.ts';
import { type Answered, awsServer, type Script, xml, xmlError } from './aws.ts';

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const s3Error = (status: number, code: string): Answered => ({
  status,
  body: `<Error><Code>${code}</Code><Message>no</Message></Error>`,
});
const json = (status: number, body: object): Answered => ({ status, body: JSON.stringify(body) });

describe('the code bucket', () => {
  async function bucketOn(script: Script) {
    const server = await awsServer(script);
    const code = openCodeBucket(server.settings, async () => '123456789012');
    closers.push(server.close, code.close);
    return { server, put: () => code.put('prod-code', 'service/abc.zip', new Uint8Array([1, 2, 3])) };
  }

  it('takes what is not there, checked, and only into the account’s own bucket', async () => {
    const { put, server } = await bucketOn(() => ({ body: '' }));
    expect(await put()).toBe('uploaded');
    expect(server.asked[0]).toMatchObject({
      action: expect.stringMatching(/^PUT \/prod-code\/service\/abc\.zip/),
      headers: { 'if-none-match': '*', 'x-amz-expected-bucket-owner': '123456789012' },
    });
    const { headers } = server.asked[0] ?? expect.fail();
    // The SHA-256 of the three bytes.
    expect(headers['x-amz-checksum-sha256']).toBe('A5BYxvLAy0ksUzsKTRTvd8wPeKvMztUofYShogEc+4E=');
    expect(headers['x-amz-sdk-checksum-algorithm']).toBe('SHA256');
  });

  it('leaves alone what is there', async () => {
    expect(await (await bucketOn(() => s3Error(412, 'PreconditionFailed'))).put()).toBe('present');
  });

  it('asks again while somebody uploads the same', async () => {
    const { put } = await bucketOn((_, number) =>
      number === 1 ? s3Error(409, 'ConditionalRequestConflict') : s3Error(412, 'PreconditionFailed'),
    );
    expect(await put()).toBe('present');
  });

  it.each([
    [404, 'NoSuchBucket', 'no_code_bucket', 2],
    [403, 'AccessDenied', 'code_bucket_denied', 4],
    [301, 'PermanentRedirect', 'code_bucket_elsewhere', 2],
    [403, 'InvalidAccessKeyId', 'aws_denied', 4],
    [503, 'SlowDown', 'aws_unavailable', 6],
  ])('%i %s is %s, exit %i', async (status, name, code, exitCode) => {
    const { put } = await bucketOn(() => s3Error(status, name));
    await expect(put()).rejects.toMatchObject({ code, exitCode });
  });

  it.each(['NoSuchBucket', 'AccessDenied'])('%s names the setting', async (name) => {
    const { put } = await bucketOn(() => s3Error(name === 'AccessDenied' ? 403 : 404, name));
    await expect(put()).rejects.toMatchObject({ hint: expect.stringContaining('deploy.codeBucket') });
  });
});

describe('secrets', () => {
  const SECRET = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';
  async function secretsOn(script: Script) {
    const server = await awsServer(script);
    const secrets = openSecretParameters(server.settings, server.endpoint);
    closers.push(server.close, secrets.close);
    return { server, secrets };
  }

  it('are stored hidden, signed for their region', async () => {
    const { secrets, server } = await secretsOn(() => json(200, { Version: 1 }));
    await secrets.put('/saasctl/prod/stripe-key', SECRET);
    const { headers, body, action } = server.asked[0] ?? expect.fail();
    expect(action).toBe('AmazonSSM.PutParameter');
    expect(JSON.parse(body)).toEqual({
      Name: '/saasctl/prod/stripe-key',
      Value: SECRET,
      Type: 'SecureString',
      Overwrite: true,
    });
    expect(headers['authorization']).toContain('/eu-central-1/ssm/aws4_request');
    expect(server.traced.join()).toMatch(/^debug: ssm PutParameter 200 \d+ ms$/);
  });

  it('are encrypted with the key that the profile states for its functions', async () => {
    const server = await awsServer(({ action }) =>
      action === 'GetCallerIdentity'
        ? xml(
            'GetCallerIdentity',
            '<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/x</Arn>',
          )
        : json(200, { Version: 1 }),
    );
    closers.push(server.close);
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/1';
    const profile = {
      ...{
        account: '123456789012',
        region: 'eu-central-1',
        stack: 'prod',
        keyEnvs: ['live'],
        stripe: 'test',
      },
      deploy: { parameters: { core: { SecretsKmsKeyArn: key } } },
    };
    const config = { profile, profileName: 'prod', isLocal: false, project: { profiles: { prod: profile } } };
    const world = { io: testIo({ env: { AWS_ENDPOINT_URL: server.endpoint } }) };
    const cloud = await openCloud(world as never, config as unknown as Config, null);
    closers.push(cloud.close);
    await cloud.secrets.put('/saasctl/prod/stripe-key', SECRET);
    await cloud.secrets.putOnce('/saasctl/prod/cursor-secret', 'a');
    const put = server.asked.filter(({ action }) => action === 'AmazonSSM.PutParameter');
    expect(put.map(({ body }) => JSON.parse(body).KeyId)).toEqual([key, key]);
  });

  it('made once are never written again', async () => {
    const { secrets, server } = await secretsOn((_, number) =>
      number === 1
        ? json(200, { Version: 1 })
        : json(400, { __type: 'ParameterAlreadyExists', message: 'it is' }),
    );
    expect(await secrets.putOnce('/saasctl/prod/cursor-secret', 'a')).toBe('made');
    expect(await secrets.putOnce('/saasctl/prod/cursor-secret', 'b')).toBe('kept');
    expect(server.asked.map(({ body }) => JSON.parse(body).Overwrite)).toEqual([false, false]);
  });

  it('are looked for by name, and not read', async () => {
    const { secrets, server } = await secretsOn(({ body }) =>
      json(200, { Parameters: body.includes('there') ? [{ Name: '/there' }] : [] }),
    );
    expect([await secrets.exists('/there'), await secrets.exists('/no')]).toEqual([true, false]);
    expect(server.asked.every(({ action }) => action === 'AmazonSSM.DescribeParameters')).toBe(true);
  });

  it('are found on a later page, behind pages without any', async () => {
    const { secrets, server } = await secretsOn(({ body }) =>
      JSON.parse(body).NextToken === 'second'
        ? json(200, { Parameters: [{ Name: '/there' }] })
        : json(200, { Parameters: [], NextToken: JSON.parse(body).NextToken ? 'second' : 'first' }),
    );
    expect(await secrets.exists('/there')).toBe(true);
    expect(server.asked.map(({ body }) => JSON.parse(body).NextToken)).toEqual([
      undefined,
      'first',
      'second',
    ]);
  });

  it('are in no error and no trace, whatever the service says', async () => {
    const { secrets, server } = await secretsOn(({ body }) =>
      json(400, { __type: 'ValidationException', message: `bad: ${body}` }),
    );
    const error = await secrets.put('/saasctl/prod/stripe-key', SECRET).catch((thrown) => thrown);
    expect(`${JSON.stringify(error)} ${error.stack} ${server.traced}`).not.toContain('sk_live');
    expect(error).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('SSM answered ValidationException'),
    });
  });

  it('that may not be stored name the action', async () => {
    const { secrets } = await secretsOn(() =>
      json(400, { __type: 'AccessDeniedException', message: 'User x may not' }),
    );
    await expect(secrets.put('/saasctl/prod/stripe-key', SECRET)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('access denied on ssm:PutParameter'),
    });
  });
});

describe('the account', () => {
  const identity = xml(
    'GetCallerIdentity',
    '<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/x</Arn>',
  );

  it('says who is calling, and what may run at once', async () => {
    const server = await awsServer(({ action }) =>
      action === 'GetCallerIdentity'
        ? identity
        : json(200, { AccountLimit: { ConcurrentExecutions: 1_000, UnreservedConcurrentExecutions: 980 } }),
    );
    closers.push(server.close);
    const account = await openAccount(server.settings);
    expect(account).toMatchObject({ account: '123456789012', arn: 'arn:aws:iam::123456789012:user/x' });
    expect(await account.concurrency()).toEqual({ limit: 1_000, unreserved: 980 });
  });

  it('names the permission that is missing', async () => {
    const server = await awsServer(({ action }) =>
      action === 'GetCallerIdentity'
        ? identity
        : { ...json(403, { Message: 'no' }), headers: { 'x-amzn-errortype': 'AccessDeniedException' } },
    );
    closers.push(server.close);
    const account = await openAccount(server.settings);
    await expect(account.concurrency()).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining('access denied on lambda:GetAccountSettings'),
    });
  });

  it('of credentials that ran out says so', async () => {
    const server = await awsServer(() =>
      xmlError('ExpiredToken', 'The security token included in the request is expired', 403),
    );
    closers.push(server.close);
    await expect(openAccount(server.settings)).rejects.toMatchObject({
      code: 'aws_denied',
      exitCode: 4,
      next: 'aws sso login',
    });
  });

  it.each([
    ['InvalidClientTokenId', 'The security token included in the request is invalid.', 'aws configure'],
    ['SignatureDoesNotMatch', 'The request signature we calculated does not match', 'aws configure'],
    ['AccessDenied', 'User x is not authorized', 'aws sts get-caller-identity'],
  ])('refused with %s says what to do', async (name, message, next) => {
    const server = await awsServer(() => xmlError(name, message, 403));
    closers.push(server.close);
    await expect(openAccount(server.settings)).rejects.toMatchObject({ code: 'aws_denied', next });
  });
});
