import { runSimulation } from '@cloud-copilot/iam-simulate';
import { describe, expect, it } from 'vitest';
import { checksOf, isAllowed, type Layer, OPERATIONS } from './policy-checks.ts';
import { MUTATIONS } from './policy-mutations.ts';
import {
  ACCOUNT,
  type Policy,
  type PolicyWorld,
  policyWorld,
  readTemplates,
  tableArn,
} from './policy-world.ts';

const SHIPPED = readTemplates();
const world = policyWorld(SHIPPED);

describe('the policies of the templates, request by request', () => {
  // Counted, so that the matrix does not shrink without a word.
  it.each<[Layer, number, number]>([
    ['session', 3545, 56],
    ['table', 951, 119],
    ['trust', 105, 6],
    ['service', 154, 31],
    ['role', 1266, 32],
    ['files', 378, 12],
  ])('layer %s: %i requests, %i of them allowed, each as it must be', (layer, all, allowed) => {
    const checks = [...checksOf(world, layer)].map((check) => ({ ...check, is: check.isAllowed() }));
    const holes = checks.filter(({ expected, is }) => is && !expected);
    const broken = checks.filter(({ expected, is }) => expected && !is);
    expect(holes.map(({ request }) => request)).toEqual([]);
    expect(broken.map(({ request }) => request)).toEqual([]);
    expect([checks.length, checks.filter(({ is }) => is).length]).toEqual([all, allowed]);
  });

  it.each<[Layer, number, number]>([
    ['table', 1005, 95],
    ['trust', 105, 4],
  ])(
    'layer %s where no role of elsewhere is named: %i requests, %i of them allowed',
    (layer, all, allowed) => {
      const checks = [...checksOf(policyWorld(SHIPPED, false), layer)];
      const wrong = checks.filter(({ expected, isAllowed }) => isAllowed() !== expected);
      expect(wrong.map(({ request }) => request)).toEqual([]);
      expect([checks.length, checks.filter(({ expected }) => expected).length]).toEqual([all, allowed]);
    },
  );

  it('knows every operation on items, and no operation asks for more than its actions', () => {
    expect(Object.keys(OPERATIONS)).toHaveLength(14);
    expect(Object.keys(world.roles)).toHaveLength(8);
    expect([...world.tables.keys()]).toEqual([
      'shop-app-data',
      'shop-app-data-hooli',
      'shop-app-data-initech',
    ]);
  });
});

describe('a role of the templates', () => {
  const log = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  const session = ['sts:AssumeRole', 'sts:TagSession'];
  const files = ['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:PutObject'];

  it.each<[keyof PolicyWorld['roles'], string[]]>([
    ['tenantData', files],
    ['handler', [...log, 'ssm:GetParameter', ...session]],
    ['inlineHandler', [...log, 'ssm:GetParameter', ...session]],
    ['authorizer', log],
    ['billingSync', [...log, 'sqs:SendMessage', 'ssm:GetParameter']],
    ['schedule', ['lambda:InvokeFunction', 'sqs:SendMessage']],
    ['silo', [...log, 'ssm:GetParameter']],
    ['siloApi', ['lambda:InvokeFunction']],
  ])('%s has besides tables %j, none by a pattern and none on everything', (name, actions) => {
    const statements = world.roles[name].identity.flatMap(({ policy }) => policy.Statement);
    const all = statements.flatMap(({ Action }) => Action);
    expect(all.filter((action) => !action.startsWith('dynamodb:')).sort()).toEqual(actions);
    expect(all.filter((action) => /[*?]/.test(action))).toEqual([]);
    expect(statements.filter(({ Effect, Resource }) => Effect !== 'Allow' || Resource === '*')).toEqual([]);
  });
});

/** The first request that is not answered as it must be. */
function firstWrong(of: PolicyWorld, layer: Layer): string | null {
  for (const { request, expected, isAllowed } of checksOf(of, layer))
    if (isAllowed() !== expected) return request;
  return null;
}

describe('a policy with', () => {
  it.each(MUTATIONS)('%s is caught (%s)', (_name, layer, mutate) => {
    const templates = structuredClone(SHIPPED);
    mutate(templates);
    expect(JSON.stringify(templates)).not.toBe(JSON.stringify(SHIPPED));
    const wrong =
      firstWrong(policyWorld(templates), layer) ?? firstWrong(policyWorld(templates, false), layer);
    expect(wrong).toBeTypeOf('string');
  });

  it('one of those faults has a name of its own', () => {
    expect(new Set(MUTATIONS.map(([name]) => name)).size).toBe(69);
  });
});

describe('the simulator', () => {
  const session = `arn:aws:sts::${ACCOUNT}:assumed-role/r/s`;
  const TAG = 'aws:PrincipalTag/TenantId';
  const KEYS = 'dynamodb:LeadingKeys';
  const allows = (
    Condition: Record<string, Record<string, string>>,
    context: Record<string, string | string[]>,
  ) =>
    isAllowed({
      principal: session,
      action: 'dynamodb:GetItem',
      resource: tableArn('t'),
      context,
      identity: [
        {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: tableArn('t'), Condition }],
        },
      ],
    });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IAM's
  const own = 'TENANT#${aws:PrincipalTag/TenantId}';

  // IAM User Guide: "Multivalued context keys", "Null", "Variables and tags".
  it.each<[string, Record<string, Record<string, string>>, Record<string, string | string[]>, boolean]>([
    ['"for all values" is true of none', { 'ForAllValues:StringEquals': { [KEYS]: 'a' } }, {}, true],
    ['"for any value" is not', { 'ForAnyValue:StringEquals': { [KEYS]: 'a' } }, {}, false],
    [
      '"for all values" sees one that is wrong',
      { 'ForAllValues:StringEquals': { [KEYS]: 'a' } },
      { [KEYS]: ['a', 'b'] },
      false,
    ],
    [
      '"for any value" does not',
      { 'ForAnyValue:StringEquals': { [KEYS]: 'a' } },
      { [KEYS]: ['a', 'b'] },
      true,
    ],
    ['a key that must be there and is not', { Null: { [KEYS]: 'false' } }, {}, false],
    ['a key that must be there and is', { Null: { [KEYS]: 'false' } }, { [KEYS]: ['a'] }, true],
    ['"not equals" is true of what is not there', { StringNotEquals: { [TAG]: 'a' } }, {}, true],
    ['one character or more is not none', { StringLike: { [TAG]: '?*' } }, { [TAG]: '' }, false],
    [
      'a variable that is there',
      { 'ForAnyValue:StringEquals': { [KEYS]: own } },
      { [TAG]: 'a', [KEYS]: ['TENANT#a'] },
      true,
    ],
    [
      'a variable that is not there matches nothing',
      { 'ForAnyValue:StringEquals': { [KEYS]: own } },
      { [KEYS]: [own, 'TENANT#'] },
      false,
    ],
    [
      'a star in a variable is a star',
      { 'ForAnyValue:StringLike': { [KEYS]: own } },
      { [TAG]: '*', [KEYS]: ['TENANT#a'] },
      false,
    ],
    [
      'names of keys in any case',
      { StringEquals: { 'AWS:principaltag/tenantid': 'a' } },
      { [TAG]: 'a' },
      true,
    ],
  ])('reads conditions as IAM does: %s', (_what, condition, context, allowed) => {
    expect(allows(condition, context)).toBe(allowed);
  });

  it('takes every policy for a valid one', async () => {
    const policies = Object.values(world.roles).flatMap(({ identity, trust }) => [
      ...identity.map(({ policy }) => ({ identityPolicies: [{ name: 'one', policy }] })),
      { identityPolicies: [], resourcePolicy: trust },
    ]);
    const tables = [...world.tables.values()].map((resourcePolicy: Policy) => ({
      identityPolicies: [],
      resourcePolicy,
    }));
    for (const policy of [...policies, ...tables]) {
      const request = {
        principal: session,
        action: 'dynamodb:GetItem',
        resource: { resource: tableArn('t'), accountId: ACCOUNT },
        contextVariables: {},
      };
      const none = { serviceControlPolicies: [], resourceControlPolicies: [] };
      const { resultType } = await runSimulation({ request, ...none, ...policy }, {});
      expect(resultType).toBe('single');
    }
  });
});
