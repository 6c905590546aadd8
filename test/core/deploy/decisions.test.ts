import { StackStatus } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { dangerousChanges } from '../../../src/core/deploy/danger.ts';
import { fillParameters, type ParameterSources } from '../../../src/core/deploy/parameters.ts';
import type { StackChange } from '../../../src/core/deploy/ports.ts';
import { kindOf } from '../../../src/core/deploy/profile-stacks.ts';
import { STANDINGS, standingOf } from '../../../src/core/deploy/states.ts';
import { executionToken, planToken } from '../../../src/core/deploy/tokens.ts';
import { compareVersions, versionsOf } from '../../../src/core/deploy/versions.ts';

describe('what a status means', () => {
  it('is decided for every one that the API has', () => {
    const known = Object.values(StackStatus).filter((status) => status !== 'DELETE_COMPLETE');
    expect(Object.keys(STANDINGS).sort()).toEqual([...known].sort());
  });

  it('is left to people where it is new', () => {
    expect(standingOf('TELEPORT_IN_PROGRESS')).toBe('stuck');
  });
});

describe('what endangers user data', () => {
  const TABLE = 'AWS::DynamoDB::Table';
  const change = (over: Partial<StackChange>): StackChange => ({
    action: 'Modify',
    logicalId: 'T',
    physicalId: 't',
    type: TABLE,
    replacement: 'False',
    ...over,
  });
  it.each<[string, Partial<StackChange>, boolean]>([
    ['a table replaced', { replacement: 'True' }, true],
    ['a table perhaps replaced', { replacement: 'Conditional' }, true],
    ['a table removed', { action: 'Remove', replacement: null }, true],
    ['a table of which nothing is known', { action: 'Dynamic', replacement: null }, true],
    ['a bucket removed', { type: 'AWS::S3::Bucket', action: 'Remove', replacement: null }, true],
    ['a user pool replaced', { type: 'AWS::Cognito::UserPool', replacement: 'True' }, true],
    ['a file system removed', { type: 'AWS::FSx::FileSystem', action: 'Remove', replacement: null }, true],
    [
      'a nested stack removed',
      { type: 'AWS::CloudFormation::Stack', action: 'Remove', replacement: null },
      true,
    ],
    ['a nested stack changed', { type: 'AWS::CloudFormation::Stack' }, false],
    ['a table changed in place', {}, false],
    ['a table added', { action: 'Add', replacement: null }, false],
    ['a table taken in', { action: 'Import', replacement: null }, false],
    ['a function replaced', { type: 'AWS::Lambda::Function', replacement: 'True' }, false],
    ['a role removed', { type: 'AWS::IAM::Role', action: 'Remove', replacement: null }, false],
  ])('%s', (_, over, dangerous) => {
    expect(dangerousChanges([change(over)])).toHaveLength(dangerous ? 1 : 0);
  });
});

describe('a template’s parameters', () => {
  const parameter = (name: string, fallback: string | null = null, noEcho = false) => ({
    name,
    default: fallback,
    noEcho,
  });
  const sources = (over: Partial<ParameterSources>): ParameterSources => ({
    kind: 'core',
    template: { parameters: [parameter('LogRetentionDays', '30')] },
    given: {},
    known: {},
    previous: null,
    ...over,
  });
  const filled = (over: Partial<ParameterSources>) => fillParameters(sources(over))['LogRetentionDays'];

  it('come from the project, else the tool, else the template: what left the project leaves the stack', () => {
    const previous = { parameters: { LogRetentionDays: '3' } };
    const known = { LogRetentionDays: '2' };
    expect(filled({ given: { LogRetentionDays: '1' }, known, previous })).toBe('1');
    expect(filled({ known, previous })).toBe('2');
    expect(filled({ previous })).toBe('30');
    expect(filled({})).toBe('30');
  });

  it('may be empty: that is a value', () => {
    expect(filled({ given: { LogRetentionDays: '' }, known: { LogRetentionDays: '2' } })).toBe('');
  });

  it('leave out what the template does not declare', () => {
    expect(
      fillParameters(sources({ known: { Stack: 'prod' }, previous: { parameters: { Gone: '1' } } })),
    ).toEqual({
      LogRetentionDays: '30',
    });
  });

  it('that the template lacks are named, with the one that was meant', () => {
    expect(() => filled({ given: { LogRetentionDay: '1' } })).toThrow(
      expect.objectContaining({
        code: 'unknown_parameter',
        exitCode: 2,
        message: 'deploy.parameters.core names LogRetentionDay, which the core template does not have',
        hint: expect.stringContaining('did you mean LogRetentionDays?'),
      }),
    );
  });

  it('that nobody knows are named, all at once', () => {
    const parameters = [parameter('CodeBucket'), parameter('HandlerKey'), parameter('Stack', 'prod')];
    const previous = { parameters: { HandlerKey: 'old.zip' } };
    expect(() => fillParameters(sources({ template: { parameters }, previous }))).toThrow(
      expect.objectContaining({
        code: 'parameter_missing',
        message: expect.stringContaining('CodeBucket, HandlerKey'),
      }),
    );
  });

  it('that are hidden keep what the stack has, which is never ****', () => {
    const template = { parameters: [parameter('Password', null, true)] };
    const previous = { parameters: { Password: '****' } };
    expect(fillParameters(sources({ template, previous }))).toEqual({});
    expect(fillParameters(sources({ template, previous, given: { Password: 'new' } }))).toEqual({
      Password: 'new',
    });
  });

  it('named like what every object has are no values', () => {
    const template = { parameters: [parameter('constructor', 'x')] };
    expect(fillParameters(sources({ template })).constructor).toBe('x');
  });
});

describe('versions', () => {
  it.each([
    ['1.2.3', '1.2.3', 0],
    ['1.2.3', '1.2.4', -1],
    ['1.10.0', '1.9.9', 1],
    ['2.0.0', '2.0.0-rc.1', 1],
    ['2.0.0-rc.2', '2.0.0-rc.10', -1],
    ['2.0.0-rc.1', '2.0.0-beta.9', 1],
    ['2.0.0-rc', '2.0.0-rc.1', -1],
  ])('%s against %s', (a, b, order) => {
    expect(Math.sign(compareVersions(a, b) ?? Number.NaN)).toBe(order);
    expect(Math.sign(compareVersions(b, a) ?? Number.NaN)).toBe(-order + 0);
  });

  it('tell which code runs, and by which tool', () => {
    const state = {
      tags: { 'saasctl-version': '1.2.0' },
      parameters: { AuthorizerKey: 'a', BillingSyncKey: '', LogRetentionDays: '3' },
    };
    expect(versionsOf(state, '1.3.0', { AuthorizerKey: 'b' })).toEqual({
      deployed: '1.2.0',
      tool: 'newer',
      code: 'different',
      running: { AuthorizerKey: 'a' },
    });
    expect(versionsOf(state, '1.1.0', { AuthorizerKey: 'a' })).toMatchObject({ tool: 'older', code: 'same' });
    expect(versionsOf({ tags: {}, parameters: {} }, '1.1.0', {})).toMatchObject({
      tool: 'unknown',
      code: null,
    });
  });
});

describe('names', () => {
  it.each([
    ['prod', { kind: 'core', tenantId: null }],
    ['prod-bootstrap', { kind: 'bootstrap', tenantId: null }],
    ['prod-tenant-acme-corp', { kind: 'silo', tenantId: 'acme-corp' }],
    ['prod-tenant-', null],
    ['prod-eu', null],
    ['production', null],
  ])('%s', (name, kind) => {
    expect(kindOf('prod', name)).toEqual(kind);
  });

  it('of change sets and executions are what CloudFormation takes', () => {
    const plan = planToken({ body: 'x', parameters: { b: '1', a: '2' }, tags: {} });
    expect(plan).toBe(planToken({ body: 'x', parameters: { a: '2', b: '1' }, tags: {} }));
    expect(plan).not.toBe(planToken({ body: 'x', parameters: { a: '2', b: '2' }, tags: {} }));
    for (const token of [plan, executionToken(plan, `arn:aws:cloudformation:eu:1:changeSet/${plan}/3f-9`)]) {
      expect(token).toMatch(/^[A-Za-z][-A-Za-z0-9]{0,127}$/);
    }
  });
});
