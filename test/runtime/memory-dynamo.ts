// DynamoDB in memory, as far as a gate needs it: real conditions on real expressions, answered in its own JSON.
import type { GateItem } from '../../src/core/gate/layout.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { type Item, marshalItem, unmarshalItem } from '../../src/runtime/wire/marshal.ts';
import { classify } from '../../src/runtime/wire/reply.ts';
import type { Exchange } from '../../src/runtime/wire/transport.ts';
import { applyUpdate, InvalidUpdate } from '../core/gate/expressions.ts';

export interface Answer {
  status: number;
  body: object;
}

export interface MemoryDynamo {
  handle(operation: string, body: Item): Answer;
}

export function dynamoError(status: number, type: string, more: object = {}): Answer {
  return { status, body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type, ...more } };
}

export function memoryDynamo(): MemoryDynamo {
  const items = new Map<string, Item>();
  const idOf = (table: unknown, key: unknown) => `${table}/${unmarshalItem(key)['PK']}`;

  function update(body: Item): Answer {
    const id = idOf(body['TableName'], body['Key']);
    const request = { ...body, ExpressionAttributeValues: unmarshalItem(body['ExpressionAttributeValues']) };
    try {
      const old = (items.get(id) ?? null) as GateItem | null;
      const answer = applyUpdate(old, request as unknown as Parameters<typeof applyUpdate>[1]);
      if (answer.applied) {
        items.set(id, { ...answer.item });
        return { status: 200, body: { Attributes: marshalItem({ ...answer.item }) } };
      }
      const seen = answer.item === null ? {} : { Item: marshalItem({ ...answer.item }) };
      return dynamoError(400, 'ConditionalCheckFailedException', seen);
    } catch (error) {
      if (error instanceof InvalidUpdate) return dynamoError(400, 'ValidationException');
      throw error;
    }
  }

  return {
    handle(operation, body) {
      switch (operation) {
        case 'PutItem': {
          const item = unmarshalItem(body['Item']);
          items.set(`${body['TableName']}/${item['PK']}`, item);
          return { status: 200, body: {} };
        }
        case 'GetItem': {
          const item = items.get(idOf(body['TableName'], body['Key']));
          return { status: 200, body: item ? { Item: marshalItem(item) } : {} };
        }
        case 'UpdateItem':
          return update(body);
        default:
          return dynamoError(400, 'UnknownOperationException');
      }
    },
  };
}

/** A wire without a network. `sent` has every operation; `next` replaces what becomes of the next updates. */
export function memoryWire(dynamo = memoryDynamo()) {
  const sent: string[] = [];
  const next: Exchange[] = [];
  const wire: Wire = {
    async send(operation, body) {
      sent.push(operation);
      const planned = operation === 'UpdateItem' ? next.shift() : undefined;
      if (planned) return classify(planned);
      // Through text, as on a network: nothing is shared with the sender.
      const { status, body: answer } = dynamo.handle(operation, JSON.parse(JSON.stringify(body)));
      return classify({ kind: 'answered', status, text: JSON.stringify(answer) });
    },
    async warm() {},
    close() {},
  };
  return { wire, sent, next };
}
