import {
  type AttributeDefinition,
  ConditionalCheckFailedException,
  CreateTableCommand,
  type CreateTableCommandInput,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { SaasctlError } from '../../core/errors.ts';
import { STORE_VERSION, TABLES, type TableName, tableName } from '../../core/schema.ts';
import { awsError } from '../aws-errors.ts';

const META = { PK: 'META', SK: 'STORE' };

/** The CreateTable call behind a table of the schema, or behind another one (`name`) with the same keys. */
export function createTableInput(
  stack: string,
  table: TableName,
  name = tableName(stack, table),
): CreateTableCommandInput {
  const schema = TABLES[table];
  const attributes: AttributeDefinition[] = [{ AttributeName: 'PK', AttributeType: 'S' }];
  if (schema.sortKey) attributes.push({ AttributeName: 'SK', AttributeType: 'S' });
  if (schema.listIndex) {
    attributes.push(
      { AttributeName: 'LPK', AttributeType: 'S' },
      { AttributeName: 'LSK', AttributeType: 'S' },
    );
  }
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: attributes,
    KeySchema: [
      { AttributeName: 'PK', KeyType: 'HASH' },
      ...(schema.sortKey ? [{ AttributeName: 'SK', KeyType: 'RANGE' as const }] : []),
    ],
    ...(schema.listIndex
      ? {
          GlobalSecondaryIndexes: [
            {
              IndexName: 'list',
              KeySchema: [
                { AttributeName: 'LPK', KeyType: 'HASH' as const },
                { AttributeName: 'LSK', KeyType: 'RANGE' as const },
              ],
              Projection: { ProjectionType: 'ALL' as const },
            },
          ],
        }
      : {}),
  };
}

/**
 * Makes sure the store is there and of a version this tool knows. Tables are created where `createMissing`
 * (the embedded engine); elsewhere a missing one means the stack was not deployed.
 */
export async function openTables(
  client: DynamoDBDocumentClient,
  stack: string,
  createMissing: boolean,
): Promise<void> {
  const marker = await storeMarker(client, stack);
  if (marker === 'no table') {
    if (!createMissing) throw notDeployed(stack);
    await createTables(client, stack);
  } else if (marker === 'no marker') {
    if (createMissing) await markVersion(client, stack);
  } else {
    checkVersion(marker.version, stack);
  }
}

function checkVersion(version: unknown, stack: string): void {
  if (typeof version !== 'number' || !Number.isSafeInteger(version)) {
    throw new SaasctlError({
      code: 'store_version_unknown',
      category: 'config',
      message: `the store of stack '${stack}' says schema version ${JSON.stringify(version)}, which is not a whole number`,
      hint: `the item META/STORE of ${tableName(stack, 'tenants')} was changed by something else; nothing was changed now`,
      next: 'saasctl config show --origin',
    });
  }
  if (version > STORE_VERSION) {
    throw new SaasctlError({
      code: 'store_too_new',
      category: 'config',
      message: `the store of stack '${stack}' has schema version ${version}; this saasctl knows ${STORE_VERSION}`,
      hint: 'a newer saasctl wrote it; nothing was changed',
      next: 'npm install saasctl@latest',
    });
  }
}

/** What the marker says, as it stands there. */
async function storeMarker(
  client: DynamoDBDocumentClient,
  stack: string,
): Promise<{ version: unknown } | 'no marker' | 'no table'> {
  try {
    const { Item } = await client.send(
      new GetCommand({ TableName: tableName(stack, 'tenants'), Key: META, ConsistentRead: true }),
    );
    // No marker: the tables are being created this moment, their creation was killed, or a stack was just deployed.
    return Item === undefined ? 'no marker' : { version: Item['version'] };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return 'no table';
    throw awsError(error, `read the tables of stack '${stack}'`);
  }
}

/** The tenants table comes last: it is the one looked for, so a killed creation is taken up again. */
async function createTables(client: DynamoDBDocumentClient, stack: string): Promise<void> {
  const names = Object.keys(TABLES) as TableName[];
  for (const table of [...names.filter((name) => name !== 'tenants'), 'tenants' as const]) {
    try {
      await client.send(new CreateTableCommand(createTableInput(stack, table)));
      const { ttl } = TABLES[table];
      if (ttl !== null) {
        await client.send(
          new UpdateTimeToLiveCommand({
            TableName: tableName(stack, table),
            TimeToLiveSpecification: { AttributeName: ttl, Enabled: true },
          }),
        );
      }
    } catch (error) {
      // Two first commands at once: the other one made it.
      if (!(error instanceof ResourceInUseException))
        throw awsError(error, `create table ${tableName(stack, table)}`);
    }
  }
  await markVersion(client, stack);
}

/** Says which version the store has, unless that is said already. */
async function markVersion(client: DynamoDBDocumentClient, stack: string): Promise<void> {
  const TableName = tableName(stack, 'tenants');
  const Item = { ...META, version: STORE_VERSION };
  try {
    await client.send(new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(PK)' }));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw awsError(error, `write to ${TableName}`);
  }
}

function notDeployed(stack: string): SaasctlError {
  return new SaasctlError({
    code: 'not_deployed',
    category: 'config',
    message: `table ${tableName(stack, 'tenants')} does not exist in this account and region`,
    hint: 'tables are created on use on the profile local alone',
    next: `saasctl deploy --stack ${stack}`,
  });
}
