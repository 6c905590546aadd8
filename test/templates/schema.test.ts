// The schema check finds what it is there to find.
import { expect, it } from 'vitest';
import { parseTemplate, readTemplate } from './read.ts';
import { problemsOf } from './schema.ts';

it('finds unknown types and properties, missing ones, wrong values, at every depth', () => {
  const broken = parseTemplate(`
Parameters:
  State: { Type: String, Description: on or off, AllowedValues: [ENABLED, OFF] }
Resources:
  Nothing: { Type: AWS::DynamoDB::Tabel, Properties: {} }
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchemas: []
      ProvisionedThroughput: { ReadCapacityUnits: many, WriteCapacity: 1 }
      GlobalSecondaryIndexes: [{ IndexName: list, KeySchema: [{ AttributeName: PK }] }]
      DeletionProtectionEnabled: !If [Never, yes please, true]
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 hour)
      FlexibleTimeWindow: { Mode: SOMETIMES }
      State: !Ref State
      Target: { Arn: a, RoleArn: r, RetryPolicy: { MaximumRetries: 3 } }
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Role: r
      Code: handler.zip
      Architectures: arm64
      Tags: { saasctl-stack: prod }
`);
  expect(problemsOf(broken)).toEqual([
    'Nothing: no resource type AWS::DynamoDB::Tabel',
    'Table: no property KeySchemas',
    'Table: KeySchema is required',
    'Table.ProvisionedThroughput: no property WriteCapacity',
    'Table.ProvisionedThroughput: WriteCapacityUnits is required',
    'Table.ProvisionedThroughput.ReadCapacityUnits: "many" is no integer',
    'Table.GlobalSecondaryIndexes[0]: Projection is required',
    'Table.GlobalSecondaryIndexes[0].KeySchema[0]: KeyType is required',
    'Table.DeletionProtectionEnabled: "yes please" is no boolean',
    'Schedule.FlexibleTimeWindow.Mode: "SOMETIMES" is no string',
    'Schedule.State: "OFF" is no string',
    'Schedule.Target.RetryPolicy: no property MaximumRetries',
    'Function.Code: "handler.zip" is no ref',
    'Function.Architectures: "arm64" is no array',
    'Function.Tags: {"saasctl-stack":"prod"} is no array',
  ]);
});

it('finds one property too many in a shipped template', () => {
  const template = readTemplate('core');
  const api = template.Resources['KeyAuthorizer'];
  if (api === undefined) throw new Error('no KeyAuthorizer');
  api.Properties['AuthorizerResultTtl'] = 0;
  expect(problemsOf(template)).toEqual(['KeyAuthorizer: no property AuthorizerResultTtl']);
});
