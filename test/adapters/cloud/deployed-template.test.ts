import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { retainedIn } from '../../../src/adapters/cloud/deployed-template.ts';
import { ROOT } from '../../fixtures/cli.ts';

const YAML = `AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Stack: { Type: String }
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain # for good
    Properties:
      TableName: !Sub \${Stack}-orders
      Tags: !If [IsTagged, [{ Key: !Ref Stack, Value: x }], !Ref AWS::NoValue]
  Files:
    Type: AWS::S3::Bucket
    DeletionPolicy: "RetainExceptOnCreate"
  Deleted: { Type: AWS::S3::Bucket, DeletionPolicy: Delete }
  Snapshot: { Type: AWS::RDS::DBInstance, DeletionPolicy: Snapshot }
  Bare:
    Type: AWS::DynamoDB::Table
    Properties:
      Description: |
        DeletionPolicy: Retain
  Replaced: { Type: AWS::S3::Bucket, UpdateReplacePolicy: Retain }
  Computed:
    Type: AWS::S3::Bucket
    DeletionPolicy: !Ref Stack
Outputs:
  DeletionPolicy: { Value: Retain }
`;

describe('what a deployed template retains', () => {
  it('is what its deletion policies say, not what stands near them', () => {
    expect([...retainedIn(YAML)]).toEqual(['Orders', 'Files']);
  });

  it('is read from JSON too, as CloudFormation answers for a template with transforms', () => {
    const Resources = {
      Orders: { Type: 'AWS::DynamoDB::Table', DeletionPolicy: 'Retain' },
      Computed: { Type: 'AWS::S3::Bucket', DeletionPolicy: { 'Fn::Sub': 'Retain' } },
      Bare: { Type: 'AWS::DynamoDB::Table' },
    };
    expect([...retainedIn(JSON.stringify({ Resources }))]).toEqual(['Orders']);
  });

  it.each(['', '{}', 'Resources:', 'Resources: { A: }', 'Resources: [', ': {', '{"Resources": {"A": '])(
    'is nothing where there is nothing to read: %j',
    (body) => {
      expect([...retainedIn(body)]).toEqual([]);
    },
  );

  it.each([
    ['bootstrap', 1],
    ['core', 6],
    ['silo', 1],
    ['service', 0],
  ])('of the shipped %s is every table and bucket', (name, count) => {
    const body = readFileSync(join(ROOT, 'templates', `${name}.yaml`), 'utf8');
    expect(retainedIn(body).size).toBe(count);
    expect(body.match(/Type: AWS::(DynamoDB::Table|S3::Bucket)$/gm)?.length ?? 0).toBe(count);
  });
});
