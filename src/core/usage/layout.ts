import type { TableName } from '../schema.ts';

/** How the usage-meters table is keyed. */
const tenantPk = (tenantId: string): string => `TENANT#${tenantId}`;

export const usageKey = (tenantId: string, day: string, metric: string) => ({
  PK: tenantPk(tenantId),
  SK: `USAGE#${day}#${metric}`,
});
export const gaugeKey = (tenantId: string, metric: string) => ({
  PK: tenantPk(tenantId),
  SK: `GAUGE#${metric}`,
});
export const eventKey = (tenantId: string, id: string) => ({ PK: tenantPk(tenantId), SK: `EVENT#${id}` });

/** One write of an item, values as plain JavaScript: by itself, or one of a transaction. */
export type ItemWrite = { table: TableName } & ({ put: PutRequest } | { update: UpdateRequest });

interface Conditional {
  ConditionExpression?: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues?: Record<string, string | number>;
  ReturnValuesOnConditionCheckFailure?: 'ALL_OLD';
}

export interface PutRequest extends Conditional {
  Item: Record<string, unknown>;
}

export interface UpdateRequest extends Conditional {
  Key: Record<string, string>;
  UpdateExpression: string;
}

/** Writes that a transaction takes at most. */
export const MAX_TRANSACTION = 100;
