import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { tableName } from '../../core/schema.ts';
import { awsError } from '../aws-errors.ts';
import { profileKey } from './items.ts';

/** Puts off the end of a run's hold. Said twice it says the same, so it may be sent again. */
export async function hold(
  client: DynamoDBDocumentClient,
  stack: string,
  tenantId: string,
  operationId: string,
  until: string,
): Promise<boolean> {
  const TableName = tableName(stack, 'tenants');
  try {
    await client.send(
      new UpdateCommand({
        TableName,
        Key: profileKey(tenantId),
        UpdateExpression: 'SET #operation.#until = :until',
        ConditionExpression: '#operation.#id = :id',
        ExpressionAttributeNames: { '#operation': 'operation', '#id': 'id', '#until': 'heldUntil' },
        ExpressionAttributeValues: { ':id': operationId, ':until': until },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw awsError(error, `write to ${TableName}`);
  }
}
