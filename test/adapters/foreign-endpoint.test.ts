// Something else answers where DynamoDB or STS should be.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callerIdentity } from '../../src/adapters/sts.ts';
import { openProject, type Project } from '../fixtures/cli.ts';
import { REGION } from './tenancy.ts';

let server: Server;
let endpoint: string;
let answer: { status: number; type: string; body: string };
beforeEach(async () => {
  server = createServer((_, outgoing) => {
    outgoing.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const page = (status: number) => ({ status, type: 'text/html', body: '<html>welcome</html>' });

describe('in place of DynamoDB', () => {
  let project: Project;
  beforeEach(async () => {
    project = await openProject();
  });
  afterEach(() => project.close());

  it.each([
    ['a page', page(200)],
    ['a page not found', page(404)],
    ['another API', { status: 404, type: 'application/json', body: '{"error":"no such route"}' }],
  ])('%s is no bug of the tool', async (_, given) => {
    answer = given;
    for (const words of ['tenant show acme', 'tenant create acme']) {
      const { code, error, stderr } = await project.cli(`${words} -o json`, {
        env: { AWS_ENDPOINT_URL_DYNAMODB: endpoint },
      });
      expect([code, error().code, error().next]).toEqual([6, 'not_aws', 'saasctl doctor']);
      expect(error().message).toContain(`(HTTP ${given.status}) is not DynamoDB's`);
      expect(error().hint).toContain('AWS_ENDPOINT_URL_DYNAMODB');
      expect(stderr).not.toMatch(/\$response|hidden field/);
    }
  });
});

it('in place of STS', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_STS', endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  for (const status of [200, 404]) {
    answer = page(status);
    await expect(callerIdentity({ region: REGION, awsProfile: null, trace: null })).rejects.toMatchObject({
      code: 'not_aws',
      exitCode: 6,
      hint: expect.stringContaining('AWS_ENDPOINT_URL_STS'),
    });
  }
});
