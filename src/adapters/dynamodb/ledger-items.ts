import { crc32 } from 'node:zlib';
import {
  type Flag,
  type Inflight,
  type LedgerEntry,
  type LedgerRow,
  type LedgerScope,
  newRow,
  type RowKey,
} from '../../core/billing/ledger.ts';
import type { Billable, GateDays, Head } from '../../core/billing/ports.ts';
import { SHARDS, tenantPk } from './items.ts';

/** How the ledger's items are keyed, and back again. They lie in the tenants table, rows without an index key. */
type Item = Record<string, unknown>;

const scopeSk = ({ sink, account, mode }: LedgerScope): string => `LEDGER#${sink}#${account}:${mode}#`;

export const rowKey = (scope: LedgerScope, { tenantId, eventName, day }: RowKey) => ({
  PK: tenantPk(tenantId),
  SK: `${scopeSk(scope)}${eventName}#${day}`,
});

/** Between these lie the rows of one meter's days, or of all meters. */
export function rowRange(scope: LedgerScope, eventName: string | null, first: string, last: string) {
  const prefix = scopeSk(scope);
  return eventName === null
    ? { from: prefix, to: `${prefix}~` }
    : { from: `${prefix}${eventName}#${first}`, to: `${prefix}${eventName}#${last}` };
}

/** A row as stored: what is empty is left out. `writeId` tells one's own write from another's. */
export function rowItem(scope: LedgerScope, row: LedgerRow, writeId: string): Item {
  const { tenantId, eventName, day, confirmed, seq, rev, customers, history, inflight, flag } = row;
  return {
    ...rowKey(scope, row),
    tenantId,
    eventName,
    day,
    confirmed,
    seq,
    rev,
    writeId,
    ...(inflight === null ? {} : { inflight: present(inflight) }),
    ...(flag === null ? {} : { flag: present(flag) }),
    ...(customers.length === 0 ? {} : { customers }),
    ...(history.length === 0 ? {} : { history: history.map(entryText) }),
    ...(row.carriedIn === 0 ? {} : { carriedIn: row.carriedIn }),
    ...(row.carriedOut === 0 ? {} : { carriedOut: row.carriedOut }),
    ...(row.dropped === 0 ? {} : { dropped: row.dropped }),
  };
}

const present = (value: object): Item =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null && field !== false));

const NO_INFLIGHT: Omit<Inflight, 'id' | 'delta' | 'timestamp'> = {
  customer: null,
  firstAttemptAt: null,
  markAt: null,
  by: null,
  uncertain: false,
  absentSince: null,
};

const NO_FLAG: Omit<Flag, 'code' | 'at' | 'message'> = { delta: null, customer: null, there: null };

export function rowOf(item: Item): LedgerRow {
  const stored = item as unknown as LedgerRow & { history?: string[] };
  const { tenantId, eventName, day, confirmed, seq, rev, inflight, flag } = stored;
  return {
    ...newRow({ tenantId, eventName, day }),
    confirmed,
    seq,
    rev,
    inflight: inflight === undefined || inflight === null ? null : { ...NO_INFLIGHT, ...inflight },
    flag: flag === undefined || flag === null ? null : { ...NO_FLAG, ...flag },
    carriedIn: stored.carriedIn ?? 0,
    carriedOut: stored.carriedOut ?? 0,
    dropped: stored.dropped ?? 0,
    customers: stored.customers ?? [],
    history: ((stored.history ?? []) as unknown as string[]).map(entryOf),
  };
}

/** One event as text: a list of maps would be twice the bytes. */
const entryText = ({ at, event, seq, delta }: LedgerEntry): string => `${at} ${event} ${seq} ${delta}`;

function entryOf(text: string): LedgerEntry {
  const [at, event, seq, delta] = text.split(' ');
  return { at: Number(at), event: event as LedgerEntry['event'], seq: Number(seq), delta: Number(delta) };
}

export const headKey = (scope: LedgerScope, tenantId: string) => ({
  PK: tenantPk(tenantId),
  SK: `${scopeSk(scope)}HEAD`,
});

/** Heads of a shard's tenants lie beside one another in the list index, in the order of their profiles. */
export const headShardPk = ({ sink, account, mode }: LedgerScope, shard: number): string =>
  `HEAD#${sink}#${account}:${mode}#${shard}`;

/** All of it in one text: a nightly list reads ten thousand of them, and a tree of attributes is slow to take in. */
export const headItem = (scope: LedgerScope, { tenantId, ...head }: Head): Item => ({
  ...headKey(scope, tenantId),
  LPK: headShardPk(scope, crc32(tenantId) % SHARDS),
  LSK: tenantId,
  head: JSON.stringify(head),
});

export const HEAD_FIELDS = { ProjectionExpression: 'LSK, head' };

export const headOf = (item: Item): Head => ({
  tenantId: String(item['LSK']),
  ...(JSON.parse(String(item['head'])) as Omit<Head, 'tenantId'>),
});

export const billableOf = (item: Item): Billable => ({
  id: String(item['id']),
  status: item['status'] as Billable['status'],
  stripeCustomerId: (item['stripeCustomerId'] as string | null | undefined) ?? null,
  billFrom: (item['billFrom'] as string | null | undefined) ?? null,
  lateAt: (item['lateAt'] as string | undefined) ?? null,
});

export const daysOf = (gate: Item | undefined): GateDays => (gate?.['u'] as GateDays | undefined) ?? {};

export const cursorKey = ({ sink, account, mode }: LedgerScope) => ({
  PK: `SYNC#${sink}#${account}:${mode}`,
  SK: 'CURSOR',
});
