// What holds of every template, whatever it deploys.
import { describe, expect, it } from 'vitest';
import { parseTemplate, readTemplate, resolve, TEMPLATES, templateText } from './read.ts';
import * as rules from './rules.ts';
import { problemsOf } from './schema.ts';
import { statementsOf } from './walk.ts';

/** What CloudFormation takes as a TemplateBody. */
const MAX_BYTES = 51_200;

describe.each(TEMPLATES)('%s', (name) => {
  const template = readTemplate(name);

  it('fits into the body of a request', () => {
    expect(Buffer.byteLength(templateText(name))).toBeLessThanOrEqual(MAX_BYTES);
  });

  it('is the same in YAML 1.1, which CloudFormation reads, and in 1.2: no bare on, off, yes or 1:30', () => {
    expect(parseTemplate(templateText(name), '1.1')).toEqual(template);
  });

  it('is what CloudFormation’s schemas say', () => {
    expect(problemsOf(template)).toEqual([]);
  });

  it.each(Object.entries(rules))('has no %s', (_, rule) => {
    expect(rule(template, name)).toEqual([]);
  });
});

it('a template that breaks the rules is caught by each of them', () => {
  const broken = parseTemplate(`
Parameters:
  Stack: { Type: String, Description: Name of the stack }
  StripeApiKey: { Type: String, Description: The key itself, Default: '1', AllowedPattern: sk_.* }
  Size: { Type: Number, Default: 1, AllowedValues: [2] }
Conditions:
  Never: !Equals [a, b]
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: api
      Role: !GetAtt Rolle.Arn
      Environment: { Variables: { STRIPE_API_KEY: !Ref StripeApiKey } }
      Tags:
        - { Key: saasctl-stack, Value: prod }
        - { Key: saasctl-tenant, Value: shared }
  Role:
    Type: AWS::IAM::Role
    Condition: Sometimes
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{ Effect: Allow, Principal: { AWS: '*' }, Action: sts:AssumeRole }]
      Policies:
        - PolicyName: all
          PolicyDocument:
            Statement:
              - { Sid: Whole, Effect: Allow, Action: dynamodb:GetItem, Resource: '*' }
              - { Sid: Wide, Effect: Allow, Action: ['dynamodb:*'], Resource: !Sub 'arn:aws:dynamodb:a:b:table/*' }
      Tags: [{ Key: saasctl-stack, Value: !Ref Stack }, { Key: saasctl-feature, Value: api }]
`);
  const found = Object.fromEntries(
    Object.entries(rules).map(([rule, breaks]) => [rule, breaks(broken, 'service')]),
  );
  expect(found).toEqual({
    badParameters: [
      'StripeApiKey refuses its own default',
      'Size is not described',
      'Size is not used',
      'Size refuses its own default',
    ],
    looseEnds: ['no Rolle.Arn', 'no condition:Sometimes', 'Never decides nothing'],
    named: ['Function has a FunctionName'],
    badlyTagged: [
      'Function: saasctl-stack is "prod"',
      'Function: saasctl-tenant is "shared"',
      'Function: saasctl-feature is undefined',
    ],
    wideGrants: [
      'Role trust: to anybody',
      'Role Whole: on "*"',
      'Role Wide: dynamodb:*',
      'Role Wide: on {"Fn::Sub":"arn:aws:dynamodb:a:b:table/*"}',
    ],
    secrets: ['parameter StripeApiKey', 'variable STRIPE_API_KEY'],
  });
});

/** Parameters that have no default, and what they might be. */
const GIVEN: Record<string, Record<string, string>> = {
  bootstrap: { Stack: 'prod', BucketName: 'prod-code-123456789012-eu-west-1' },
  core: { CodeBucket: 'code', AuthorizerKey: 'a.zip', BillingSyncKey: 'b.zip' },
  service: {
    Stack: 'prod',
    CodeBucket: 'code',
    HandlerKey: 'h.zip',
    ApiId: 'api',
    AuthorizerId: 'auth',
    TenantDataRoleArn: 'arn:aws:iam::123456789012:role/r',
    HandlerPolicyArn: 'arn:aws:iam::123456789012:policy/p',
    InlineHandlerPolicyArn: 'arn:aws:iam::123456789012:policy/i',
  },
  silo: {
    Stack: 'prod',
    TenantId: 'acme',
    Isolation: 'silo',
    CodeBucket: 'code',
    HandlerKey: 'h.zip',
    AuthorizerFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:f',
  },
  guardrails: { Stack: 'prod' },
};

const resourcesOf = (name: (typeof TEMPLATES)[number], parameters: Record<string, string> = {}) =>
  Object.keys(
    resolve(readTemplate(name), { stackName: 'prod', parameters: { ...GIVEN[name], ...parameters } })
      .Resources,
  );

describe('parts that can be left out', () => {
  const role = 'arn:aws:iam::123456789012:role/x';
  const CHOICES: [(typeof TEMPLATES)[number], Record<string, string>][] = [
    ...TEMPLATES.map((name): [(typeof TEMPLATES)[number], Record<string, string>] => [name, {}]),
    ['core', { CreateApi: 'false' }],
    ['core', { JwtIssuer: 'https://id.example', JwtAudience: 'api', JwtTenantClaim: 'tenant' }],
    ['core', { CreateApi: 'false', JwtIssuer: 'https://id.example' }],
    ['core', { BillingSettings: '{}', StripeKeyParameter: '/saasctl/prod/stripe-key' }],
    ['core', { BillingSettings: '{}', StripeKeySecret: 'stripe', SecretsKmsKeyArn: 'arn:aws:kms:k' }],
    ['core', { CreateFilesBucket: 'true', TableMode: 'provisioned', AuthorizerReservedConcurrency: '50' }],
    ['core', { OperatorRoleArn: role, HandlerRoleArns: `${role},${role}`, AlarmTopicArn: 'arn:aws:sns:t' }],
    ['core', { CursorSecretParameter: '/saasctl/prod/cursor-secret', SecretsKmsKeyArn: 'arn:aws:kms:k' }],
    ['service', { Mode: 'inline', JwtAuthorizerId: 'token' }],
    ['silo', { Isolation: 'bridge', OperatorRoleArn: role }],
    ['silo', { JwtIssuer: 'https://id.example', CursorSecretParameter: '/c', SecretsKmsKeyArn: 'k' }],
    ['guardrails', { AlertEmail: 'a@b.example', SiloTenants: 'acme,globex', DataBudget: '20' }],
  ];

  it.each(CHOICES)('%s with %o: what is left refers to nothing that was', (name, parameters) => {
    expect(resourcesOf(name, parameters).length).toBeGreaterThan(0);
  });

  it('a template that does refer to it is caught', () => {
    const template = readTemplate('core');
    template.Outputs['ApiId'] = { Description: 'always', Value: { Ref: 'Api' } };
    const deployment = { stackName: 'prod', parameters: { ...GIVEN['core'], CreateApi: 'false' } };
    expect(() => resolve(template, deployment)).toThrow('Api is referred to, and left out by HasApi');
  });

  it('CreateApi=false deploys tables, authorizer and policies, and outputs to attach them by', () => {
    const parameters = { ...GIVEN['core'], CreateApi: 'false' } as Record<string, string>;
    const { Resources, Outputs } = resolve(readTemplate('core'), { stackName: 'prod', parameters });
    expect(Object.values(Resources).filter(({ Type }) => Type.startsWith('AWS::ApiGatewayV2'))).toEqual([]);
    expect(Object.keys(Outputs).sort()).toEqual([
      'ApiKeysTable',
      'AppDataTable',
      'AuthorizerFunctionArn',
      'AuthorizerInvokeUri',
      'GatesTable',
      'HandlerPolicyArn',
      'InlineHandlerPolicyArn',
      'TenantDataRoleArn',
      'TenantsTable',
      'UsageMetersTable',
    ]);
  });

  it('a bridge is a table alone; a silo has no way to the tenant-data role', () => {
    expect(resourcesOf('silo', { Isolation: 'bridge' })).toEqual(['DataTable']);
    const parameters = GIVEN['silo'] as Record<string, string>;
    const silo = resolve(readTemplate('silo'), { stackName: 'prod-tenant-acme', parameters });
    expect(JSON.stringify(silo.Resources)).not.toContain('/tenant-data/');
    expect(
      statementsOf(silo).flatMap(({ statement }) => (statement.Principal ? [] : statement.Action)),
    ).not.toContain('sts:AssumeRole');
  });

  it('budgets: one for the stack, and one for each tenant and feature that is named', () => {
    expect(resourcesOf('guardrails')).toEqual(['StackBudget']);
    const parameters = { ...GIVEN['guardrails'], SiloTenants: 'acme,globex', DataBudget: '20' } as Record<
      string,
      string
    >;
    const { Resources } = resolve(readTemplate('guardrails'), { stackName: 'prod-guardrails', parameters });
    // Another subscriber replaces the budget: with a name of its own, the new one would be there already.
    expect(Object.values(Resources).filter(({ Properties }) => 'BudgetName' in Properties['Budget'])).toEqual(
      [],
    );
    expect(
      Object.values(Resources).map(({ Properties }) => Properties['Budget'].CostFilters.TagKeyValue),
    ).toEqual([
      ['user:saasctl-stack$prod'],
      ['user:saasctl-feature$data'],
      ['user:saasctl-tenant$acme'],
      ['user:saasctl-tenant$globex'],
    ]);
  });
});
