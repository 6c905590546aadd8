import type { AuditEntry } from '../audit.ts';
import type { TenantStatus } from '../tenants/tenant.ts';
import type { UsageItem } from '../usage/usage.ts';
import type { LedgerRow, LedgerScope, RowKey } from './ledger.ts';

/** What a sync needs to know of a tenant. */
export interface Billable {
  id: string;
  status: TenantStatus;
  stripeCustomerId: string | null;
  /** The first day that is billed to the customer, `yyyy-mm-dd`; `null`: all of them. */
  billFrom?: string | null;
  /** When usage of a day that was over was last recorded by hand, ISO-8601. */
  lateAt?: string | null;
}

/**
 * What was settled when a tenant was last looked at: so that a tenant with nothing to do costs no more than its
 * gate. Only an optimisation: rows decide, and each tenant's are looked through once a day.
 */
export interface Head {
  tenantId: string;
  /** When all rows were last looked through, less the margin of `sweepMark`; ISO-8601. */
  swept: string | null;
  /** Event name to day to the counter at which the row is settled, for the last days. */
  settled: Record<string, Record<string, number>>;
  /** `<event name>#<day>` of rows that are not settled. */
  open: string[];
  /** Event names of the meters that were looked through by the last sweep; of an older head not known. */
  meters?: string[] | undefined;
}

/** What is still on a gate: `<day>` calls, `<day>.c` compute time. */
export type GateDays = Readonly<Record<string, number>>;

/** A tenant as the list of all shows it: read eventually consistent. */
export interface Listed {
  tenant: Billable;
  head: Head | null;
  gate: GateDays;
}

export interface UsageKey {
  tenantId: string;
  day: string;
  metric: string;
}
export const usageId = ({ tenantId, day, metric }: UsageKey): string => `${tenantId}#${day}#${metric}`;

/** Writes that are made together or not at all. Each is made only if the row is as it was: `after.rev − 1`. */
export type RowWrites = readonly LedgerRow[];

/** A place to go on at, for runs that take a part of the tenants at a time. */
export interface Cursor {
  shard: number;
  after: string | null;
}

/** Where the ledger lives. Reads are strongly consistent unless said. Throws `SaasctlError`. */
export interface LedgerStore {
  /** How many lists the tenants are spread over. */
  readonly shards: number;
  /** Pages of a list, by tenant id, from after `after`. Eventually consistent. */
  list(scope: LedgerScope, shard: number, after: string | null): AsyncIterable<Listed[]>;
  /** One tenant, as `list` would show it; `null`: there is none. */
  listed(scope: LedgerScope, tenantId: string): Promise<Listed | null>;
  /** `USAGE#` items by `usageId`; those that are not there are left out. Read them before the gates. */
  recorded(keys: readonly UsageKey[], consistent: boolean): Promise<Map<string, UsageItem>>;
  gates(tenantIds: readonly string[]): Promise<Map<string, GateDays>>;
  /** All `USAGE#` items from `first` to `last`. Eventually consistent. */
  usage(tenantId: string, first: string, last: string): Promise<UsageItem[]>;
  /** Rows by `rowId`; those that are not there are left out. */
  rows(scope: LedgerScope, keys: readonly RowKey[]): Promise<Map<string, LedgerRow>>;
  /** A tenant's rows from `first` to `last`, of one meter or of all. */
  rowsOf(
    scope: LedgerScope,
    query: { tenantId: string; eventName: string | null; first: string; last: string; consistent: boolean },
  ): Promise<LedgerRow[]>;
  /**
   * Each group is applied whole or `stale`: somebody else wrote one of its rows. A lost answer is found out by
   * reading, never guessed.
   */
  write(scope: LedgerScope, groups: readonly RowWrites[]): Promise<('applied' | 'stale')[]>;
  /** Keeps heads; the last one wins. */
  keepHeads(scope: LedgerScope, heads: readonly Head[]): Promise<void>;
  /**
   * A row written by somebody else than a run: its tenant's head goes with it, so that the next run looks at the row.
   * One transaction, with the audit entry of a correction.
   */
  correct(scope: LedgerScope, row: LedgerRow, audit: AuditEntry | null): Promise<'applied' | 'stale'>;
  cursor(scope: LedgerScope): Promise<Cursor | null>;
  keepCursor(scope: LedgerScope, cursor: Cursor | null): Promise<void>;
}
