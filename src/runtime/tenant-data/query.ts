import type { CursorScope } from './cursor.ts';
import { checkedExpression, compilePlaceholders, type Placeholders } from './expressions.ts';
import { checkedSortKey, onlyOptions, ownKey, partitionKey, type StoredItem } from './own-keys.ts';
import type { AttributeValue } from './values.ts';

/** Which sort keys; in the order of their UTF-8 bytes. */
export type SortKeyCondition =
  | { equals: string }
  | { beginsWith: string }
  /** Both ends included. */
  | { between: readonly [first: string, last: string] }
  | { lessThan: string }
  | { atMost: string }
  | { greaterThan: string }
  | { atLeast: string };

export interface QueryOptions extends Placeholders {
  /** All of the tenant's items unless given. */
  sk?: SortKeyCondition | undefined;
  /** A filter expression: items that do not meet it are read and left out. */
  filter?: string | undefined;
  /** A projection expression: the attributes to return. */
  projection?: string | undefined;
  /** Items read for this page, 1 to 1,000; as many as 1 MB holds unless given. */
  limit?: number | undefined;
  descending?: boolean | undefined;
  consistent?: boolean | undefined;
  /** The `cursor` of the page before. */
  cursor?: string | null | undefined;
}

export interface QueryPage {
  items: StoredItem[];
  /** Where the next page begins; `null` after the last. */
  cursor: string | null;
}

const OPTIONS = [
  ...['sk', 'filter', 'projection', 'limit', 'descending', 'consistent', 'cursor', 'names', 'values'],
];
const MAX_LIMIT = 1_000;

const CONDITIONS: Readonly<Record<string, string>> = {
  equals: '#saasctl_sk = :saasctl_a',
  beginsWith: 'begins_with(#saasctl_sk, :saasctl_a)',
  between: '#saasctl_sk BETWEEN :saasctl_a AND :saasctl_b',
  lessThan: '#saasctl_sk < :saasctl_a',
  atMost: '#saasctl_sk <= :saasctl_a',
  greaterThan: '#saasctl_sk > :saasctl_a',
  atLeast: '#saasctl_sk >= :saasctl_a',
};

export interface CompiledQuery {
  request: Record<string, unknown>;
  scope: CursorScope;
}

/** The Query of one tenant's items, without its start, and what its cursors are bound to. */
export function compileQuery(table: string, tenantId: string, options: QueryOptions): CompiledQuery {
  onlyOptions(options, OPTIONS);
  const { filter, projection, limit, descending = false, consistent = false } = options;
  const { text, names, values } = sortKeyCondition(options.sk);
  const theirs = compilePlaceholders(options);
  const question = {
    TableName: table,
    KeyConditionExpression: `#saasctl_pk = :saasctl_pk${text}`,
    ExpressionAttributeNames: { ...theirs.ExpressionAttributeNames, '#saasctl_pk': 'PK', ...names },
    ExpressionAttributeValues: {
      ...theirs.ExpressionAttributeValues,
      ':saasctl_pk': { S: partitionKey(tenantId) },
      ...values,
    },
    ScanIndexForward: descending !== true,
    ...(filter === undefined ? {} : { FilterExpression: checkedExpression(filter) }),
    ...(projection === undefined ? {} : { ProjectionExpression: checkedExpression(projection) }),
  };
  return {
    request: {
      ...question,
      ConsistentRead: consistent === true,
      ...(limit === undefined ? {} : { Limit: checkedLimit(limit) }),
    },
    scope: { table, tenantId, shape: canonical(question) },
  };
}

/** Where a page starts: after this sort key, of this tenant. */
export const startAfter = (tenantId: string, sk: string) => ({ ExclusiveStartKey: ownKey(tenantId, sk) });

function sortKeyCondition(condition: SortKeyCondition | undefined): {
  text: string;
  names: Record<string, string>;
  values: Record<string, AttributeValue>;
} {
  if (condition === undefined) return { text: '', names: {}, values: {} };
  const [[kind, operand] = ['', undefined], ...more] = Object.entries(condition ?? {});
  const expression = Object.hasOwn(CONDITIONS, kind) ? CONDITIONS[kind] : undefined;
  if (expression === undefined || more.length > 0)
    throw new TypeError(`sk is one of ${Object.keys(CONDITIONS).join(', ')}`);
  const operands: unknown[] = kind === 'between' ? [...(operand as unknown as unknown[])] : [operand];
  if (operands.length !== (kind === 'between' ? 2 : 1)) throw new TypeError('between takes two sort keys');
  const values = operands.map((each, at) => [`:saasctl_${'ab'[at]}`, { S: checkedSortKey(each) }]);
  return {
    text: ` AND ${expression}`,
    names: { '#saasctl_sk': 'SK' },
    values: Object.fromEntries(values),
  };
}

function checkedLimit(limit: unknown): number {
  if (Number.isSafeInteger(limit) && Number(limit) >= 1 && Number(limit) <= MAX_LIMIT) return Number(limit);
  throw new TypeError(`limit is a whole number from 1 to ${MAX_LIMIT}`);
}

/** JSON with sorted members: one spelling for equal queries. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
