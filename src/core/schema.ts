/**
 * The tables, once: created from here on the embedded engine, and what the deployed stack is tested against.
 * Names are derived from the stack and never stored.
 */
export type TableName = 'gates' | 'apiKeys' | 'tenants' | 'usageMeters' | 'appData';

export interface TableSchema {
  /** What follows `<stack>-`. */
  suffix: string;
  /** Sort key besides the partition key `PK`. */
  sortKey: boolean;
  /** The one sparse index, `list`, over `LPK` and `LSK`. */
  listIndex: boolean;
  /** Attribute holding the expiry in epoch seconds, where items expire. */
  ttl: string | null;
}

export const TABLES: Readonly<Record<TableName, TableSchema>> = {
  // A table of their own: IAM's leading keys cannot tell a tenant's gate from its usage items.
  gates: { suffix: 'gates', sortKey: false, listIndex: false, ttl: null },
  apiKeys: { suffix: 'api-keys', sortKey: false, listIndex: false, ttl: null },
  tenants: { suffix: 'tenants', sortKey: true, listIndex: true, ttl: null },
  usageMeters: { suffix: 'usage-meters', sortKey: true, listIndex: false, ttl: 'ttl' },
  appData: { suffix: 'app-data', sortKey: true, listIndex: false, ttl: null },
};

/** Version of everything stored; a store with a newer one is refused. */
export const STORE_VERSION = 1;

export const tableName = (stack: string, table: TableName): string => `${stack}-${TABLES[table].suffix}`;

/** The data table of a tenant's own (bridge and silo), keyed as the shared one. */
export const ownDataTable = (stack: string, tenantId: string): string =>
  `${tableName(stack, 'appData')}-${tenantId}`;
