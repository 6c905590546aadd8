import { Forbidden } from './errors.ts';
import { type Attributes, type AttributeValue, fromAttributes, toAttributes, type Value } from './values.ts';

/** An item as read: its sort key is its `SK`. The partition key is never shown, since it is always the tenant's. */
export type StoredItem = Record<string, Value>;
/** An item to write: its sort key in `SK`. */
export type NewItem = Attributes & { readonly SK: string };

const MAX_SORT_KEY_BYTES = 1_024;

export const partitionKey = (tenantId: string): string => `TENANT#${tenantId}`;

/** The key of one of the tenant's items; there is no other way to make one. */
export function ownKey(tenantId: string, sk: unknown): { PK: AttributeValue; SK: AttributeValue } {
  return { PK: { S: partitionKey(tenantId) }, SK: { S: checkedSortKey(sk) } };
}

/** A sort key as DynamoDB takes it: 1 to 1,024 bytes of text. */
export function checkedSortKey(sk: unknown): string {
  if (typeof sk !== 'string') throw new TypeError(`a sort key is a string, not ${typeof sk}`);
  const size = Buffer.byteLength(sk);
  if (size >= 1 && size <= MAX_SORT_KEY_BYTES && !/\p{Surrogate}/u.test(sk)) return sk;
  throw new TypeError(`a sort key is text of 1 to ${MAX_SORT_KEY_BYTES} bytes`);
}

/** An item to write, with the tenant's own key whatever it says: another's is refused. */
export function ownItem(tenantId: string, item: unknown): Record<string, AttributeValue> {
  if (typeof item !== 'object' || item === null) throw new TypeError('an item is an object');
  // Read once: what a getter says later does not count.
  const { PK, SK, ...attributes } = { ...(item as Record<string, unknown>) };
  if (PK !== undefined && PK !== partitionKey(tenantId)) throw new Forbidden('PK is not the tenant’s own');
  return { ...toAttributes(attributes), ...ownKey(tenantId, SK) };
}

/** An item as the caller sees it. One of another tenant would be a fault of ours, and goes no further. */
export function shown(tenantId: string, item: unknown): StoredItem {
  const { PK, ...attributes } = fromAttributes(item);
  if (PK !== undefined && PK !== partitionKey(tenantId))
    throw new Forbidden('the answer is not the tenant’s own');
  return attributes;
}

/** Refuses what an option object has beside what it may have: `IndexName`, `TableName` and whatever else. */
export function onlyOptions(options: object, known: readonly string[]): void {
  for (const name of Reflect.ownKeys(options)) {
    if (!known.includes(String(name))) throw new Forbidden(`${String(name)} is not an option here`);
  }
}
