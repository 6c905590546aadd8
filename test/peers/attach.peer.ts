// A team whose HTTP API lives elsewhere: the shared stack without one (CreateApi=false), and a stack of the team's own
// that puts the authorizer in front of its route, by nothing but the outputs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Account, openAccount, REGION, STACK } from './deployed.ts';
import { ACCOUNT, CREDENTIALS } from './ministack.ts';

const BUCKET = `${STACK}-code-${ACCOUNT}-${REGION}`;
// The emulator's trust in handlers goes by their stack's name (emulated.ts); on AWS by their path or HandlerRoleArns.
const OWN = `${STACK}-own`;

const TEMPLATE = `
Parameters:
  AuthorizerFunctionArn: { Type: String }
  AuthorizerInvokeUri: { Type: String }
  HandlerPolicyArn: { Type: String }
  TenantDataRoleArn: { Type: String }
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: { Name: own, ProtocolType: HTTP }
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Api, StageName: $default, AutoDeploy: true }
  Authorizer:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      Name: saasctl
      AuthorizerType: REQUEST
      AuthorizerUri: !Ref AuthorizerInvokeUri
      AuthorizerPayloadFormatVersion: '2.0'
      EnableSimpleResponses: true
      IdentitySource: [$request.header.x-api-key]
      AuthorizerResultTtlInSeconds: 0
  AuthorizerPermission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref AuthorizerFunctionArn
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/authorizers/\${Authorizer}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }]
      ManagedPolicyArns: [!Ref HandlerPolicyArn]
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: nodejs24.x
      Handler: handler.handler
      Role: !GetAtt Role.Arn
      Code: { S3Bucket: ${BUCKET}, S3Key: own.zip }
      Environment:
        Variables: { SAASCTL_STACK: ${STACK}, SAASCTL_SERVES: pool, SAASCTL_TENANT_ROLE_ARN: !Ref TenantDataRoleArn }
  FunctionPermission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Function
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/*
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt Function.Arn
      PayloadFormatVersion: '2.0'
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: ANY /{proxy+}
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Authorizer
      Target: !Sub integrations/\${Integration}
Outputs:
  Url: { Value: !GetAtt Api.ApiEndpoint }
`;

let account: Account;
let outputs: Record<string, string>;
beforeAll(async () => {
  account = await openAccount();
  await account.profile(({ deploy }) => {
    delete deploy.service;
    deploy.parameters.core.CreateApi = 'false';
  });
  await account.done('deploy secret stripe-key', { stdin: 'sk_test_standin' });
  ({ outputs } = await account.done('deploy --yes'));
});
afterAll(() => account?.close());

it('the shared stack has no API, and names what one elsewhere needs', () => {
  expect(outputs).not.toHaveProperty('ApiId');
  expect(outputs).not.toHaveProperty('AuthorizerId');
  expect(outputs).toMatchObject({
    AuthorizerFunctionArn: expect.stringContaining(':function:'),
    AuthorizerInvokeUri: expect.stringContaining(`functions/${outputs['AuthorizerFunctionArn']}/invocations`),
    HandlerPolicyArn: expect.stringContaining(':policy/'),
    TenantDataRoleArn: expect.stringContaining(':role/'),
    GatesTable: `${STACK}-gates`,
    BillingSyncFunctionArn: expect.stringContaining(':function:'),
  });
});

it('an API of one’s own, with the authorizer in front: 401, 403, 200, the tenant’s data, 429', async () => {
  const url = await ownStack();
  await account.done('tenant create acme --plan pro');
  const { key } = await account.done('key create --tenant acme --rate 1/h --burst 3');
  const status = async (path: string, more = {}) => (await account.call(url, path, more)).status;
  expect(await status('/hello')).toBe(401);
  expect(await status('/hello', { key: 'nobody' })).toBe(403);
  const hello = await account.call(url, '/hello', { key });
  expect([hello.status, hello.json().tenant?.tenantId], hello.body).toEqual([200, 'acme']);
  const made = await account.call(url, '/notes', { method: 'POST', key, body: { text: 'mine' } });
  expect(made.status, made.body).toBe(201);
  const { items } = (await account.call(url, '/notes', { key })).json();
  expect(items.map(({ text }: { text: string }) => text)).toEqual(['mine']);
  expect(await status('/hello', { key })).toBe(429);
  expect((await account.done('usage show acme')).metrics.api_calls.used).toBe(3);
});

/** The team's stack, made as any tool of theirs would. Returns where its API answers. */
async function ownStack(): Promise<string> {
  const options = { region: REGION, endpoint: account.endpoint, credentials: CREDENTIALS };
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  const stacks = new CloudFormationClient(options);
  try {
    const handler = readFileSync(join(account.root, 'dist/lambda/service/handler.mjs'));
    const Body = zipSync({ 'handler.mjs': handler });
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'own.zip', Body }));
    const names = ['AuthorizerFunctionArn', 'AuthorizerInvokeUri', 'HandlerPolicyArn', 'TenantDataRoleArn'];
    await stacks.send(
      new CreateStackCommand({
        StackName: OWN,
        TemplateBody: TEMPLATE,
        Capabilities: ['CAPABILITY_IAM'],
        Parameters: names.map((name) => ({ ParameterKey: name, ParameterValue: outputs[name] })),
      }),
    );
    const describe = async () =>
      (await stacks.send(new DescribeStacksCommand({ StackName: OWN }))).Stacks?.[0];
    await expect
      .poll(async () => (await describe())?.StackStatus, { timeout: 300_000 })
      .not.toMatch(/IN_PROGRESS$/);
    const made = await describe();
    const { StackEvents } = await stacks.send(new DescribeStackEventsCommand({ StackName: OWN }));
    expect(made?.StackStatus, JSON.stringify(StackEvents)).toBe('CREATE_COMPLETE');
    return made?.Outputs?.find(({ OutputKey }) => OutputKey === 'Url')?.OutputValue ?? '';
  } finally {
    s3.destroy();
    stacks.destroy();
  }
}
