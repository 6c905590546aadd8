// Functions, APIs and alarms: how they run, what they keep, what they are told.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseJwtSettings } from '../../src/runtime/jwt/settings.ts';
import { parseSettings } from '../../src/runtime/settings.ts';
import { parseUsageSettings } from '../../src/runtime/usage/settings.ts';
import { type Json, readTemplate, resolve, type Template } from './read.ts';

const CODE = { CodeBucket: 'code', AuthorizerKey: 'a.zip', BillingSyncKey: 'b.zip', HandlerKey: 'h.zip' };
const ARNS = {
  AuthorizerFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:authorizer',
  TenantDataRoleArn: 'arn:aws:iam::123456789012:role/saasctl/prod/tenant-data',
  HandlerPolicyArn: 'arn:aws:iam::123456789012:policy/handler',
  InlineHandlerPolicyArn: 'arn:aws:iam::123456789012:policy/inline',
};
const TOKENS = { JwtIssuer: 'https://id.example', JwtAudience: 'api', JwtTenantClaim: 'tenant' };
const BILLING = { BillingSettings: '{"mode":"test"}', StripeKeyParameter: '/saasctl/prod/stripe-key' };

const deploy = (name: 'core' | 'service' | 'silo', more: Record<string, string> = {}): Template => {
  const stackName = { core: 'prod', service: 'prod-service', silo: 'prod-tenant-acme' }[name];
  const own = { Stack: 'prod', TenantId: 'acme', Isolation: 'silo', ApiId: 'api', AuthorizerId: 'auth' };
  return resolve(readTemplate(name), { stackName, parameters: { ...CODE, ...ARNS, ...own, ...more } });
};

const every = (type: string, ...templates: Template[]): Json[] =>
  templates.flatMap(({ Resources }) =>
    Object.values(Resources)
      .filter(({ Type }) => Type === type)
      .map(({ Properties }) => Properties),
  );

const all = () => [deploy('core', { ...TOKENS, ...BILLING }), deploy('service'), deploy('silo', TOKENS)];

describe('every function', () => {
  it('runs on arm64 and nodejs24.x, untraced, with its code in the bucket', () => {
    const functions = every('AWS::Lambda::Function', ...all());
    expect(functions).toHaveLength(4);
    for (const { Runtime, Architectures, TracingConfig, Code } of functions) {
      expect([Runtime, Architectures, TracingConfig]).toEqual([
        'nodejs24.x',
        ['arm64'],
        { Mode: 'PassThrough' },
      ]);
      expect(Code).toEqual({ S3Bucket: 'code', S3Key: expect.stringMatching(/\.zip$/) });
    }
  });

  it('has a log group of its own with a retention, and may create none', () => {
    for (const template of all()) {
      const groups = every('AWS::Logs::LogGroup', template);
      for (const { RetentionInDays } of groups) expect(RetentionInDays).toBe('30');
      const used = every('AWS::Lambda::Function', template).map(
        ({ LoggingConfig }) => LoggingConfig.LogGroup,
      );
      expect(new Set(used).size).toBe(used.length);
      expect(groups.map(({ LogGroupName }) => LogGroupName)).toEqual(expect.arrayContaining(used));
      expect(JSON.stringify(template.Resources)).not.toContain('logs:CreateLogGroup');
    }
  });

  it('reserves concurrency only where that is asked for', () => {
    const reserved = (template: Template) =>
      every('AWS::Lambda::Function', template).map((one) => one.ReservedConcurrentExecutions);
    expect(reserved(deploy('core'))).toEqual([undefined]);
    expect(reserved(deploy('core', { AuthorizerReservedConcurrency: '50' }))).toEqual(['50']);
  });
});

describe('every authorizer', () => {
  it('has no cache, one identity source, and simple answers in payload 2.0', () => {
    const authorizers = every('AWS::ApiGatewayV2::Authorizer', ...all());
    expect(authorizers).toHaveLength(4);
    for (const authorizer of authorizers) {
      expect(authorizer).toMatchObject({
        AuthorizerType: 'REQUEST',
        AuthorizerResultTtlInSeconds: 0,
        AuthorizerPayloadFormatVersion: '2.0',
        EnableSimpleResponses: true,
      });
      expect(authorizer.IdentitySource).toHaveLength(1);
    }
  });

  it('may be invoked by its own API alone', () => {
    const { Resources } = deploy('core', TOKENS);
    expect(Resources['KeyAuthorizerPermission']?.Properties['SourceArn']).toBe(
      'arn:aws:execute-api:eu-west-1:123456789012:api/authorizers/keyauthorizer',
    );
    expect(Resources['TokenAuthorizerPermission']?.Properties['SourceArn']).toBe(
      'arn:aws:execute-api:eu-west-1:123456789012:api/authorizers/tokenauthorizer',
    );
  });

  it('stands before every route, unless the handler does the gate itself', () => {
    for (const template of [deploy('service', { JwtAuthorizerId: 'token' }), deploy('silo', TOKENS)]) {
      const routes = every('AWS::ApiGatewayV2::Route', template);
      expect(routes).toHaveLength(7);
      for (const { AuthorizationType, AuthorizerId } of routes)
        expect([AuthorizationType, AuthorizerId]).toEqual(['CUSTOM', expect.stringMatching(/./)]);
    }
    const inline = deploy('service', { Mode: 'inline', JwtAuthorizerId: 'token' });
    const open = every('AWS::ApiGatewayV2::Route', inline);
    expect(open).toHaveLength(7);
    // With both, each call would be counted and billed twice.
    for (const { AuthorizationType, AuthorizerId } of open)
      expect([AuthorizationType, AuthorizerId]).toEqual(['NONE', undefined]);
    expect(inline.Resources['FunctionRole']?.Properties['ManagedPolicyArns']).toEqual([
      ARNS.HandlerPolicyArn,
      ARNS.InlineHandlerPolicyArn,
    ]);
    expect(deploy('service').Resources['FunctionRole']?.Properties['ManagedPolicyArns']).toEqual([
      ARNS.HandlerPolicyArn,
    ]);
  });

  it('stands before the same routes for a silo as for the rest, all of which the example answers', () => {
    const keys = (template: Template): string[] =>
      every('AWS::ApiGatewayV2::Route', template).map(({ RouteKey }) => RouteKey);
    const routes = keys(deploy('service', { JwtAuthorizerId: 'token' }));
    expect(keys(deploy('silo', TOKENS))).toEqual(routes);
    const handler = readFileSync(new URL('../../templates/service/handler.mjs', import.meta.url), 'utf8');
    const answered = [...handler.matchAll(/'((?:GET|POST|PUT|DELETE) \/[^']*)'/g)].map(([, key]) => key);
    expect(answered.sort()).toEqual([...routes].sort());
  });

  it('answers under a throttle, whose log says which tenant called', () => {
    const stages = every('AWS::ApiGatewayV2::Stage', ...all());
    expect(stages).toHaveLength(2);
    for (const { DefaultRouteSettings, AccessLogSettings } of stages) {
      expect(DefaultRouteSettings).toEqual({
        ThrottlingRateLimit: '1000',
        ThrottlingBurstLimit: '1000',
        DetailedMetricsEnabled: false,
      });
      expect(JSON.parse(AccessLogSettings.Format).tenantId).toBe('$context.authorizer.tenantId');
    }
  });
});

describe('what functions are told', () => {
  const LAMBDA = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 's' };
  const told = (template: Template, id: string) => ({
    ...LAMBDA,
    ...template.Resources[id]?.Properties['Environment'].Variables,
  });

  it('is taken by the runtime as it stands', () => {
    const core = deploy('core', {
      ...TOKENS,
      KeyEnvs: 'live,test',
      ImportedKeys: 'true',
      AmbiguousPolicy: 'allow',
    });
    const authorizer = told(core, 'AuthorizerFunction');
    expect(parseSettings(authorizer)).toMatchObject({
      stack: 'prod',
      prefix: 'anb',
      envs: ['live', 'test'],
      importedKeys: true,
      policy: 'allow',
    });
    expect(parseJwtSettings(authorizer)).toMatchObject({
      issuer: 'https://id.example',
      audience: ['api'],
      jwksUri: null,
    });
    expect(parseJwtSettings(told(deploy('core'), 'AuthorizerFunction'))).toBeNull();
    for (const name of ['service', 'silo'] as const) {
      const handler = told(deploy(name), 'Function');
      expect(parseSettings(handler).stack).toBe('prod');
      expect(parseUsageSettings(handler).dedupeDays).toBe(34);
    }
  });

  it('says whom they serve, and who lends them credentials', () => {
    expect(told(deploy('service'), 'Function')).toMatchObject({
      SAASCTL_SERVES: 'pool',
      SAASCTL_TENANT_ROLE_ARN: ARNS.TenantDataRoleArn,
    });
    const silo = told(deploy('silo'), 'Function');
    expect(silo).toMatchObject({ SAASCTL_SERVES: 'silo:acme' });
    expect(silo).not.toHaveProperty('SAASCTL_TENANT_ROLE_ARN');
  });
});

describe('secrets', () => {
  const reads = (template: Template, role: string) =>
    template.Resources[role]?.Properties['Policies'][0].PolicyDocument.Statement.filter(({ Action }: Json) =>
      /^(ssm|secretsmanager|kms):/.test(String(Action)),
    ).map(({ Action, Resource, Condition }: Json) => [Action, Resource, ...(Condition ? [Condition] : [])]);
  const key = 'arn:aws:kms:eu-west-1:123456789012:key/k';

  it('are read by the one name that was given', () => {
    expect(reads(deploy('core', BILLING), 'BillingSyncRole')).toEqual([
      ['ssm:GetParameter', 'arn:aws:ssm:eu-west-1:123456789012:parameter/saasctl/prod/stripe-key'],
    ]);
    const secret = { BillingSettings: '{}', StripeKeySecret: 'prod/stripe', SecretsKmsKeyArn: key };
    expect(reads(deploy('core', secret), 'BillingSyncRole')).toEqual([
      [
        'secretsmanager:GetSecretValue',
        'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/stripe-??????',
      ],
      [
        'kms:Decrypt',
        key,
        { StringEquals: { 'kms:ViaService': ['secretsmanager.eu-west-1.amazonaws.com'] } },
      ],
    ]);
  });

  it('and by nobody where none was', () => {
    expect(reads(deploy('silo'), 'FunctionRole')).toEqual([]);
    expect(reads(deploy('silo', { SecretsKmsKeyArn: key }), 'FunctionRole')).toEqual([]);
  });
});

describe('alarms', () => {
  it('go to the topic that is named, and are none of one tenant', () => {
    const alarms = every(
      'AWS::CloudWatch::Alarm',
      deploy('core', { ...BILLING, AlarmTopicArn: 'arn:aws:sns:t' }),
    );
    expect(alarms.length).toBeLessThanOrEqual(10);
    for (const { AlarmActions } of alarms) expect(AlarmActions).toEqual(['arn:aws:sns:t']);
    expect(JSON.stringify(alarms)).not.toMatch(/tenantId/i);
    const quiet = every('AWS::CloudWatch::Alarm', deploy('core'));
    for (const alarm of quiet) expect(alarm).not.toHaveProperty('AlarmActions');
  });

  it('hear the line that the sync logs when Stripe has not answered', () => {
    const [filter] = every('AWS::Logs::MetricFilter', deploy('core', BILLING));
    expect(filter.FilterPattern).toBe('{ $.event = "billing_unanswered" }');
  });
});
