import type { AuditEntry } from './audit.ts';
import type { GateItem, KeyMapping } from './gate/layout.ts';
import type { Key } from './keys/key.ts';
import type { Mutation } from './mutation.ts';
import type { Tenant } from './tenants/tenant.ts';
import type { Gauge } from './usage/gauge.ts';
import type { UsageEventMark, UsageLine } from './usage/record.ts';
import type { UsageItem } from './usage/usage.ts';

/** A list that is read as it is printed. `next` is known after the last item: where to go on, or `null`. */
export interface Page<T> {
  items: AsyncIterable<T>;
  next(): string | null;
}

export interface PageRequest {
  /** At most so many items; `null`: all. */
  limit: number | null;
  /** The `next` of an earlier page. */
  after: string | null;
}

/** What is to be written along with a mutation, so that nothing changes without a trace. */
export interface Commit {
  mutation: Mutation;
  audit: AuditEntry;
  /** Epoch µs, for the gate's buckets. */
  now: number;
}

/** Usage recorded by hand, once, under an event's id. */
export interface Recording {
  tenantId: string;
  mark: UsageEventMark;
  lines: readonly UsageLine[];
  dedupeDays: number;
  audit: AuditEntry;
  /** Epoch ms. */
  now: number;
}

/** Where tenants, keys, gates, usage and audit live. Reads of one item are strongly consistent. */
export interface ControlStore {
  tenant(id: string): Promise<Tenant | null>;
  /** By id, ascending. */
  tenants(page: PageRequest, keep: (tenant: Tenant) => boolean): Page<Tenant>;
  gate(tenantId: string): Promise<GateItem | null>;
  /** Gates of many tenants, in batches; a missing one is left out. */
  gates(tenantIds: readonly string[]): Promise<Map<string, GateItem>>;
  key(keyId: string): Promise<Key | null>;
  /** By key id. */
  keys(tenantId: string): AsyncIterable<Key>;
  keyNamed(tenantId: string, name: string): Promise<Key | null>;
  /** What a key's hash leads to. */
  mapping(hash: string): Promise<KeyMapping | null>;
  /**
   * Folded usage of the days from `first` to `last`, both included. Read it before the gate: a fold between the
   * two is then missed for a moment, never counted twice.
   */
  usage(tenantId: string, first: string, last: string): Promise<UsageItem[]>;
  /** The levels of a tenant's gauges. */
  gauges(tenantId: string): Promise<Gauge[]>;
  /**
   * Counts, with its audit entry, in one transaction, and marks the tenant where the day is over; `duplicate`: the event was recorded before. Throws a conflict
   * where its id was used for something else, and `write_ambiguous` when it may or may not have been recorded.
   */
  record(recording: Recording): Promise<'recorded' | 'duplicate'>;
  /** What an event recorded, or `null`: its id is free at `now` (epoch ms). */
  recorded(tenantId: string, eventId: string, now: number): Promise<string | null>;
  /** Moves the gate's days before yesterday to usage items. Safe to repeat, and beside requests and other folds. */
  fold(tenantId: string, now: number): Promise<void>;
  /** Counts the gauges' hours up to `now` (epoch ms), unless the tenant is deleted. Safe to repeat, and beside others. */
  sampleGauges(tenantId: string, now: number): Promise<void>;
  /** Newest first; of one tenant, or of all, since a time (ISO-8601). */
  audit(query: { tenantId: string | null; since: string; until: string } & PageRequest): Page<AuditEntry>;
  /**
   * Writes a mutation and its audit entry in one transaction. `stale`: somebody else changed something it
   * builds on, nothing was written, plan it again. Throws with code `write_ambiguous` when it may or may
   * not have been applied.
   */
  commit(commit: Commit): Promise<'applied' | 'stale'>;
  /** Writes an audit entry of something that the store itself does not hold, such as a deploy. Safe to repeat. */
  note(audit: AuditEntry): Promise<void>;
  /**
   * Holds the tenant's resources for the run that works on them until `until` (ISO-8601); no change of the tenant, and
   * not in the audit. `false`: they are another run's by now.
   */
  hold(tenantId: string, operationId: string, until: string): Promise<boolean>;
  dataTables: DataTables;
  close(): Promise<void>;
}

/** The data tables of tenants' own, for bridge and silo. Nothing here removes one. */
export interface DataTables {
  name(tenantId: string): string;
  /** Makes it where it is missing, on the embedded engine; on AWS a tenant's stack brings it. */
  make(tenantId: string): Promise<'made' | 'present'>;
  /**
   * `status` is DynamoDB's word (`ACTIVE`, `CREATING` …); `fits`: its keys are those of a data table. `null`: there is
   * none.
   */
  find(tenantId: string): Promise<{ status: string; isProtected: boolean; fits: boolean } | null>;
  /** What follows the shared table's name in those that are there, which is a tenant's id, in order. */
  list(): Promise<string[]>;
}

/** Where a minted secret is kept so that no failure can lose or leak it. */
export interface SecretFile {
  /** Writes and syncs the secret to `<path>.new` (0600) before anything changes. */
  stage(secret: string): Promise<void>;
  /** The change was made: `<path>.new` becomes `<path>`. */
  keep(): Promise<void>;
  /** The change was provably not made: `<path>.new` goes. */
  discard(): Promise<void>;
  /** Where the secret is staged. */
  readonly staged: string;
}

/** Files that `init` writes and the tool reads beside the store. */
export interface ProjectFiles {
  /** `false` where the file was there already. */
  create(path: string, text: string): Promise<boolean>;
  read(path: string): Promise<string | null>;
  append(path: string, text: string): Promise<void>;
  /** Writes a file whole, in place of what was there; its folder must exist. */
  replace(path: string, text: string): Promise<void>;
  /** Throws as `replace` would where the file cannot be written; changes nothing. */
  checkReplace(path: string): Promise<void>;
  starter(): Promise<string>;
}

/** This tool, run again. */
export interface SelfProcess {
  exit: Promise<number>;
  /** The end of what it wrote to stderr, where that was not shown. */
  said(): string;
  stop(): Promise<void>;
}
