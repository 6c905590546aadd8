/** A value as DynamoDB's JSON protocol writes it. Sets and binary are not used by anything we store. */
type AttributeValue =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  | { NULL: true }
  | { L: AttributeValue[] }
  | { M: Record<string, AttributeValue> };

export type Item = Record<string, unknown>;

/** Plain JavaScript to DynamoDB's JSON. Numbers must be safe integers, so that no count is ever rounded. */
export function marshal(value: unknown): AttributeValue {
  if (value === null) return { NULL: true };
  switch (typeof value) {
    case 'string':
      return { S: value };
    case 'number':
      if (!Number.isSafeInteger(value)) throw new TypeError(`${value} cannot be stored exactly`);
      return { N: String(value) };
    case 'boolean':
      return { BOOL: value };
    case 'object':
      return Array.isArray(value) ? { L: value.map(marshal) } : { M: marshalItem(value as Item) };
    default:
      throw new TypeError(`a ${typeof value} cannot be stored`);
  }
}

/** An item or a set of expression values; `undefined` members are left out. */
export function marshalItem(item: Item): Record<string, AttributeValue> {
  const entries = Object.entries(item).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, marshal(value)]));
}

/** DynamoDB's JSON to plain JavaScript. Throws on anything else, which is then no DynamoDB's answer. */
export function unmarshal(value: unknown): unknown {
  const [[type, content] = [undefined, undefined], ...more] = Object.entries(object(value));
  if (more.length > 0) throw new TypeError('an attribute value has one type');
  switch (type) {
    case 'S':
      if (typeof content === 'string') return content;
      break;
    case 'N':
      if (typeof content === 'string' && content !== '' && Number.isFinite(Number(content)))
        return Number(content);
      break;
    case 'BOOL':
      if (typeof content === 'boolean') return content;
      break;
    case 'NULL':
      return null;
    case 'L':
      if (Array.isArray(content)) return content.map(unmarshal);
      break;
    case 'M':
      return unmarshalItem(content);
  }
  throw new TypeError(`not an attribute value of type ${type}`);
}

/** Built from entries, so that an attribute named `__proto__` stays an attribute. */
export function unmarshalItem(item: unknown): Item {
  return Object.fromEntries(Object.entries(object(item)).map(([name, value]) => [name, unmarshal(value)]));
}

function object(value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not an object');
  return value;
}
