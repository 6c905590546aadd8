import {
  CreateTableCommand,
  DescribeTableCommand,
  ListTablesCommand,
  type ListTablesCommandOutput,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { DataTables } from '../../core/ports.ts';
import { ownDataTable } from '../../core/schema.ts';
import { awsError } from '../aws-errors.ts';
import { createTableInput } from './tables.ts';

/** Tables `<stack>-app-data-<id>`, with the keys of the shared one. */
export function dataTables(client: DynamoDBDocumentClient, stack: string): DataTables {
  const name = (tenantId: string) => ownDataTable(stack, tenantId);
  return {
    name,
    async make(tenantId) {
      try {
        await client.send(new CreateTableCommand(createTableInput(stack, 'appData', name(tenantId))));
        return 'made';
      } catch (error) {
        if (error instanceof ResourceInUseException) return 'present';
        throw awsError(error, `create table ${name(tenantId)}`);
      }
    },
    async find(tenantId) {
      try {
        const { Table } = await client.send(new DescribeTableCommand({ TableName: name(tenantId) }));
        if (Table?.TableStatus === undefined) return null;
        const keys = (Table.KeySchema ?? []).map(({ AttributeName }) => AttributeName);
        return {
          status: Table.TableStatus,
          isProtected: Table.DeletionProtectionEnabled === true,
          fits: keys.join() === 'PK,SK',
        };
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return null;
        throw awsError(error, `look at table ${name(tenantId)}`);
      }
    },
    list: () => idsOfTables(client, name('')),
  };
}

/** Names come in order, so the pages start just before the first that can match and end with the last that does. */
async function idsOfTables(client: DynamoDBDocumentClient, prefix: string): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined = prefix;
  while (after !== undefined) {
    const page: ListTablesCommandOutput = await client
      .send(new ListTablesCommand({ ExclusiveStartTableName: after }))
      .catch((error: unknown) => {
        throw awsError(error, 'list tables');
      });
    const names = page.TableNames ?? [];
    const ours = names.filter((table) => table.startsWith(prefix));
    ids.push(...ours.map((table) => table.slice(prefix.length)));
    after = ours.length === names.length ? page.LastEvaluatedTableName : undefined;
  }
  return ids;
}
