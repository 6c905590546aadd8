// The same authorizer over the AWS SDK's client in place of the lean wire: what a cold start is measured against.
import {
  DynamoDBClient,
  type DynamoDBServiceException,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { authorize } from '../../src/lambda/authorize.ts';
import { createGate } from '../../src/runtime/gate.ts';
import { parseSettings, processEnvironment, processLog } from '../../src/runtime/settings.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { unmarshalItem } from '../../src/runtime/wire/marshal.ts';

const { credentials: _, timeoutMs: __, endpoint, region, ...settings } = parseSettings(processEnvironment());
const client = new DynamoDBClient({ endpoint, region, maxAttempts: 1 });

const wire: Wire = {
  async send(operation, body) {
    try {
      const command =
        operation === 'GetItem' ? new GetItemCommand(body as never) : new UpdateItemCommand(body as never);
      return { kind: 'applied', output: { ...(await client.send(command as GetItemCommand)) } };
    } catch (error) {
      const { name, message, Item } = error as DynamoDBServiceException & { Item?: object };
      if (name === 'ConditionalCheckFailedException')
        return { kind: 'condition_failed', old: Item ? unmarshalItem(Item) : null };
      return { kind: 'not_applied', reason: 'rejected', code: name, message };
    }
  },
  async warm() {},
  close: () => client.destroy(),
};
const gate = createGate({ ...settings, wire, log: processLog });

export const handler = (event: unknown) => authorize(event, gate);
