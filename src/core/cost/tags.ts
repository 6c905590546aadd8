import type { Isolation } from '../tenants/tenant.ts';

/** The tags that split a bill. A colon in a key would be ambiguous in Budgets. */
export const TAG_KEYS = {
  stack: 'saasctl-stack',
  tenant: 'saasctl-tenant',
  feature: 'saasctl-feature',
} as const;

/** A resource as AWS lists it. */
export interface TaggedResource {
  arn: string;
  tags: Readonly<Record<string, string>>;
}

/** What billing knows of a tag key; `unknown`: it has not seen it yet, or never will. */
export type TagKeyStatus = 'active' | 'inactive' | 'unknown';

export interface Backfill {
  /** ISO-8601. */
  from: string;
  requestedAt: string;
  status: string;
}

/** Where tags are looked up. */
export interface TagSource {
  resources(): AsyncIterable<TaggedResource>;
  /** Of each key asked for; `null`: the account may not ask, since only the management account can. */
  keyStatus(keys: readonly string[]): Promise<ReadonlyMap<string, TagKeyStatus> | null>;
  /** Newest first; `null` as above. */
  backfills(): Promise<readonly Backfill[] | null>;
  close(): Promise<void>;
}

export interface TagReport {
  keys: {
    key: string;
    status: TagKeyStatus | null;
    /** The call that activates it; `null` where there is nothing to do. */
    next: string | null;
  }[];
  /** Resources of the stack that lack a key. */
  untagged: { arn: string; missing: string[] }[];
  /** Tag values that are no tenant. */
  strangers: { arn: string; tenantTag: string }[];
  tagged: number;
  backfill: { last: Backfill | null; possible: boolean; next: string | null };
  notes: string[];
}

export interface TagInput {
  stack: string;
  tenantKey: string;
  /** By tenant id. */
  tenants: ReadonlyMap<string, Isolation>;
  resources: readonly TaggedResource[];
  keyStatus: ReadonlyMap<string, TagKeyStatus> | null;
  backfills: readonly Backfill[] | null;
  /** Epoch ms. */
  now: number;
}

const DAY_MS = 86_400_000;

/**
 * What keeps tags from splitting the bill. Every resource of the stack needs the stack's tag; those of a bridge
 * or silo tenant's own stack, and its data table, belong to it alone and need the tenant's as well.
 */
export function tagReport(input: TagInput): TagReport {
  const { stack, tenantKey, resources, keyStatus } = input;
  const ours = resources.filter(
    ({ arn, tags }) => tags[TAG_KEYS.stack] === stack || nameOf(arn).startsWith(`${stack}-`),
  );
  const untagged = ours.flatMap((resource) => {
    const missing = missingOf(resource, input);
    return missing.length === 0 ? [] : [{ arn: resource.arn, missing }];
  });
  const keys = [...new Set([TAG_KEYS.stack, tenantKey, TAG_KEYS.feature])].map((key) => {
    const status = keyStatus === null ? null : (keyStatus.get(key) ?? 'unknown');
    return { key, status, next: status === 'inactive' ? activateCall(key) : null };
  });
  const backfill = backfillOf(input);
  return {
    keys,
    untagged,
    strangers: ours.flatMap(({ arn, tags }) => {
      const tenantTag = tags[tenantKey];
      return tenantTag === undefined || input.tenants.has(tenantTag) ? [] : [{ arn, tenantTag }];
    }),
    tagged: ours.length - untagged.length,
    backfill,
    notes: [...notesOf(keys.map(({ status }) => status)), ...keptNotes(backfill)],
  };
}

/** Only a management or standalone account may make it. */
export const activateCall = (key: string): string =>
  `aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=${key},Status=Active`;

function missingOf(resource: TaggedResource, input: TagInput): string[] {
  const { tags } = resource;
  const missing: string[] = tags[TAG_KEYS.stack] === undefined ? [TAG_KEYS.stack] : [];
  if (tags[input.tenantKey] === undefined && isOneTenants(resource, input)) missing.push(input.tenantKey);
  return missing;
}

/** By the names that templates/silo.yaml gives, and CloudFormation to what has none in it. */
function isOneTenants({ arn, tags }: TaggedResource, { stack, tenants }: TagInput): boolean {
  const [table, own] = [`${stack}-app-data-`, `${stack}-tenant-`];
  const isOwned = (id: string): boolean => (tenants.get(id) ?? 'pool') !== 'pool';
  const name = nameOf(arn);
  if (name.startsWith(table)) return isOwned(name.slice(table.length));
  const madeBy = [...arn.split(/[:/]/), tags['aws:cloudformation:stack-name'] ?? ''];
  return madeBy.some((of) => of.startsWith(own) && beginnings(of.slice(own.length)).some(isOwned));
}

/** A name up to each of its hyphens, and whole: an id may have hyphens, and so may what follows it. */
function beginnings(name: string): string[] {
  const parts = name.split('-');
  return parts.map((_, at) => parts.slice(0, at + 1).join('-'));
}

const nameOf = (arn: string): string => arn.split(/[:/]/).at(-1) ?? arn;

function backfillOf({ backfills, now, keyStatus, tenantKey }: TagInput): TagReport['backfill'] {
  const last = backfills?.[0] ?? null;
  const possible =
    backfills !== null &&
    keyStatus?.get(tenantKey) === 'active' &&
    (last === null || now - Date.parse(last.requestedAt) >= DAY_MS);
  const today = new Date(now);
  const from = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 11)).toISOString();
  return {
    last,
    possible,
    next: possible
      ? `aws ce start-cost-allocation-tag-backfill --backfill-from ${from.replace('.000Z', 'Z')}`
      : null,
  };
}

/** Months that were asked for before tags worked are kept without them. */
const keptNotes = ({ last, possible }: TagReport['backfill']): string[] =>
  last === null && !possible
    ? []
    : [
        'finished months are kept as they were when they were asked for: once a backfill or an activation has worked, saasctl cost report --months 12 --fresh asks for them again, at $0.01 a request',
      ];

function notesOf(statuses: readonly (TagKeyStatus | null)[]): string[] {
  if (statuses.includes(null))
    return [
      'whether the keys are activated can be asked in the management account (or a standalone one) alone: run it there',
    ];
  const notes: string[] = [];
  if (statuses.includes('inactive'))
    notes.push(
      'an inactive key does not split the bill: only the management account (or a standalone one) can activate it, and it takes up to 24 h',
    );
  if (statuses.includes('unknown'))
    notes.push('billing has not seen some keys yet: up to 24 h after the first resource was tagged');
  return notes;
}
