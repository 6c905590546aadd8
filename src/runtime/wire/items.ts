import type { Wire } from './client.ts';
import { type Item, marshalItem, unmarshalItem } from './marshal.ts';
import type { Reply } from './reply.ts';

/** A call on one item, answered in plain JavaScript. */
export type ItemReply<Found extends Item | null = Item | null> =
  | { kind: 'applied'; item: Found }
  | Exclude<Reply, { kind: 'applied' }>;

export interface UpdateItem {
  TableName: string;
  Key: Item;
  ExpressionAttributeValues: Item;
  [parameter: string]: unknown;
}

/** UpdateItem with plain values. Its `ReturnValues` must ask for the item: an answer without it is no answer. */
export async function updateItem(wire: Wire, request: UpdateItem): Promise<ItemReply<Item>> {
  const reply = await wire.send('UpdateItem', {
    ...request,
    Key: marshalItem(request.Key),
    ExpressionAttributeValues: marshalItem(request.ExpressionAttributeValues),
  });
  return plain(reply, (output) => unmarshalItem(output['Attributes']));
}

/** A strongly consistent read of one item; `null` when there is none. */
export async function getItem(wire: Wire, TableName: string, Key: Item): Promise<ItemReply> {
  const reply = await wire.send('GetItem', { TableName, Key: marshalItem(Key), ConsistentRead: true });
  return plain(reply, ({ Item: found }) => (found === undefined ? null : unmarshalItem(found)));
}

function plain<Found extends Item | null>(reply: Reply, read: (output: Item) => Found): ItemReply<Found> {
  if (reply.kind !== 'applied') return reply;
  try {
    return { kind: 'applied', item: read(reply.output) };
  } catch (error) {
    return { kind: 'ambiguous', reason: 'unparsable', message: (error as Error).message };
  }
}
