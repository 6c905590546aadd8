// The deployed tables are those that the code creates on the embedded engine.
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createTableInput } from '../../src/adapters/dynamodb/tables.ts';
import { TABLES, type TableName } from '../../src/core/schema.ts';
import { dataTable } from '../../src/runtime/tenant-data/tenant-data.ts';
import { type Json, readTemplate, resolve, type Template } from './read.ts';

const NAMES = Object.keys(TABLES) as TableName[];

const core = (parameters: Record<string, string> = {}, template = readTemplate('core')) =>
  resolve(template, {
    stackName: 'prod',
    parameters: { CodeBucket: 'code', AuthorizerKey: 'a', BillingSyncKey: 'b', ...parameters },
  });

const silo = (Isolation: 'silo' | 'bridge', parameters: Record<string, string> = {}) =>
  resolve(readTemplate('silo'), {
    stackName: 'prod-tenant-acme',
    parameters: {
      Stack: 'prod',
      TenantId: 'acme',
      Isolation,
      CodeBucket: 'code',
      HandlerKey: 'h',
      AuthorizerFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:f',
      ...parameters,
    },
  });

const tablesOf = ({ Resources }: Template): Json[] =>
  Object.values(Resources)
    .filter(({ Type }) => Type === 'AWS::DynamoDB::Table')
    .map(({ Properties }) => Properties);

/** A table as CreateTable would have it, and the attribute by which items expire. */
const schemaOf = ({ TableName, AttributeDefinitions, KeySchema, ...table }: Json) => ({
  TableName,
  BillingMode: table.BillingMode,
  AttributeDefinitions,
  KeySchema,
  indexes: (table.GlobalSecondaryIndexes ?? []).map(({ OnDemandThroughput, ...index }: Json) => index),
  ttl: table.TimeToLiveSpecification?.AttributeName ?? null,
});

const expected = (table: TableName) => {
  const input: CreateTableCommandInput = createTableInput('prod', table);
  return schemaOf({
    ...input,
    TimeToLiveSpecification: { AttributeName: TABLES[table].ttl ?? undefined },
  });
};

const deployed = (template: Template) =>
  Object.fromEntries(tablesOf(template).map((table) => [table.TableName, schemaOf(table)]));
const embedded = Object.fromEntries(NAMES.map((table) => [`prod-${TABLES[table].suffix}`, expected(table)]));

it('has the tables of the schema, and no others', () => {
  expect(deployed(core())).toEqual(embedded);
});

it.each([
  ['a sort key too few', (table: Json) => table.KeySchema.pop()],
  [
    'an attribute of another type',
    (table: Json) => Object.assign(table.AttributeDefinitions[0], { AttributeType: 'N' }),
  ],
  ['no index', (table: Json) => delete table.GlobalSecondaryIndexes],
  [
    'an index of keys alone',
    (table: Json) =>
      Object.assign(table.GlobalSecondaryIndexes[0].Projection, { ProjectionType: 'KEYS_ONLY' }),
  ],
  [
    'items that expire',
    (table: Json) =>
      Object.assign(table, { TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } }),
  ],
])('a table with %s is another', (_, change) => {
  const template = readTemplate('core');
  change(template.Resources['TenantsTable']?.Properties);
  expect(deployed(core({}, template))).not.toEqual(embedded);
});

it('names a tenant’s own table as the runtime does', () => {
  for (const isolation of ['silo', 'bridge'] as const) {
    const [table] = tablesOf(silo(isolation));
    expect(schemaOf(table)).toEqual({
      ...expected('appData'),
      TableName: dataTable('prod', { tenantId: 'acme', isolation }),
    });
  }
});

describe('data outlives its stack', () => {
  it('tables and files are retained, except by a first create that failed', () => {
    const templates = [core({ CreateFilesBucket: 'true' }), silo('silo')];
    const kept = templates.flatMap(({ Resources }) =>
      Object.values(Resources).filter(({ Type }) => /DynamoDB::Table|S3::Bucket$/.test(Type)),
    );
    expect(kept).toHaveLength(7);
    for (const { DeletionPolicy, UpdateReplacePolicy } of kept)
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
  });

  it.each(['true', 'false'])('recovery and protection go by their parameters: %s', (on) => {
    const switches = { PointInTimeRecovery: on, DeletionProtection: on };
    for (const table of [...tablesOf(core(switches)), ...tablesOf(silo('bridge', switches))]) {
      expect(table.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(on);
      expect(table.DeletionProtectionEnabled).toBe(on);
    }
  });
});

describe('what tables may cost', () => {
  const CEILING = { MaxReadRequestUnits: '4000', MaxWriteRequestUnits: '4000' };

  it('on demand, every table and index has a ceiling', () => {
    for (const table of [...tablesOf(core()), ...tablesOf(silo('silo'))]) {
      expect(table.OnDemandThroughput).toEqual(CEILING);
      for (const index of table.GlobalSecondaryIndexes ?? [])
        expect(index.OnDemandThroughput).toEqual(CEILING);
    }
  });

  it('provisioned, what follows the calls is scaled between its bounds, and the rest stays on demand', () => {
    const template = core({ TableMode: 'provisioned', MinWriteCapacity: '7', MaxWriteCapacity: '70' });
    const provisioned = tablesOf(template).filter(({ BillingMode }) => BillingMode === 'PROVISIONED');
    expect(provisioned.map(({ TableName }) => TableName).sort()).toEqual([
      'prod-app-data',
      'prod-gates',
      'prod-usage-meters',
    ]);
    for (const table of provisioned) {
      expect(table.ProvisionedThroughput).toEqual({ ReadCapacityUnits: '5', WriteCapacityUnits: '7' });
      expect(table.OnDemandThroughput).toBeUndefined();
    }
    const targets = Object.entries(template.Resources).filter(([, { Type }]) =>
      Type.endsWith('ScalableTarget'),
    );
    expect(
      targets
        .map(([, { Properties }]) => `${Properties['ResourceId']} ${Properties['ScalableDimension']}`)
        .sort(),
    ).toEqual(
      provisioned
        .flatMap(({ TableName }) =>
          ['Read', 'Write'].map((side) => `table/${TableName} dynamodb:table:${side}CapacityUnits`),
        )
        .sort(),
    );
    expect(targets.map(([, { Properties }]) => Properties['MaxCapacity']).sort()).toEqual([
      '200',
      '200',
      '200',
      '70',
      '70',
      '70',
    ]);
    const policies = Object.values(template.Resources).filter(({ Type }) => Type.endsWith('ScalingPolicy'));
    expect(policies).toHaveLength(targets.length);
  });
});
