// Where nothing is deployed: the profile local, another region, another account.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openProject, type Project } from '../fixtures/cli.ts';

let project: Project;
let sts: Server;
let asked = 0;
beforeAll(async () => {
  project = await openProject();
  await project.edit((file) => {
    file.profiles['aws'] = {
      account: '123456789012',
      region: 'eu-central-1',
      stack: 'acme',
      keyEnvs: ['live'],
      stripe: 'test',
      deploy: {},
    };
  });
  sts = createServer((_, response) => {
    asked++;
    response.end(
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:user/other</Arn><UserId>x</UserId><Account>999999999999</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
    );
  });
  await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
  const variables = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(sts.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  };
  // The SDK reads the process's own environment.
  Object.assign(process.env, variables);
});
afterEach(() => {
  asked = 0;
});
afterAll(async () => {
  for (const name of ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    delete process.env[name];
  sts.close();
  await project.close();
});

const COMMANDS = ['deploy --yes', 'deploy status', 'deploy secret stripe-key', 'destroy acme --confirm acme'];

it.each(COMMANDS)('%s refuses the profile local', async (words) => {
  const ran = await project.cli(`${words} --profile local -o json`, { stdin: 'sk_test_1' });
  expect([ran.code, ran.error().code]).toEqual([2, 'local_profile']);
});

it.each(COMMANDS)('%s refuses another region than the profile’s, before AWS is asked', async (words) => {
  for (const [flag, env] of [
    [' --region us-east-1', {}],
    ['', { SAASCTL_REGION: 'us-east-1' }],
  ] as const) {
    const ran = await project.cli(`${words} --profile aws${flag} -o json`, { stdin: 'sk_test_1', env });
    expect([ran.code, ran.error().code]).toEqual([2, 'wrong_region']);
    expect(ran.error().message).toBe('profile aws is of eu-central-1, and us-east-1 was asked for');
  }
  expect(asked).toBe(0);
});

it.each(COMMANDS)('%s refuses credentials of another account, and asks nothing else', async (words) => {
  const ran = await project.cli(`${words} --profile aws -o json`, { stdin: 'sk_test_1' });
  expect([ran.code, ran.error().code, asked]).toEqual([4, 'wrong_account', 1]);
  expect(ran.error().hint).toBe('nothing was read or written in eu-central-1');
});
