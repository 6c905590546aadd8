import type { Decimal } from '../decimal.ts';
import type { Isolation, Tenant, TenantStatus } from '../tenants/tenant.ts';
import type { UsageItem } from '../usage/usage.ts';
import type { Whole } from './whole.ts';

/** What a line of a bill is for. `adjustment`: a correction that is neither usage nor a refund by name. */
export const RECORD_TYPES = [
  'usage',
  'purchase',
  'support',
  'tax',
  'credit',
  'refund',
  'adjustment',
] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** A sum of like lines of one month's bill. */
export interface CostLine {
  /** In the bill's currency; negative for credits and refunds. */
  amount: Decimal;
  /** As the source names it: `Amazon DynamoDB`; `null` where the source gives features instead. */
  service: string | null;
  /** As AWS names it: `USE1-WriteRequestUnits`; `null` where the source does not say. */
  usageType: string | null;
  /** Value of the tag `saasctl-feature`. */
  feature: string | null;
  /** Value of the tenant tag, whatever it says; `null`: untagged. */
  tenantTag: string | null;
  recordType: RecordType;
  /** How much was used, in the usage type's own unit; `null` where the source does not say. */
  quantity: Decimal | null;
}

/** One month of cost as a source gives it. */
export interface Bill {
  /** `yyyy-mm`. */
  month: string;
  /** ISO 4217, upper case. */
  currency: string;
  lines: readonly CostLine[];
  /** What the source says the month costs, asked apart from the lines; the allocation must add up to it. */
  total: Decimal;
  /** The month is not final. */
  estimated: boolean;
  /** ISO-8601: until when cost is in it; `null` where the source does not say. */
  dataThrough: string | null;
  /** The accounts that are billed. */
  accounts: readonly string[];
}

/** What asking cost: Cost Explorer charges for every request. */
export interface QueryCost {
  requests: number;
  /** US dollars. */
  amount: Decimal;
}

/** What a run asks of a source. */
export interface BillQuery {
  /** `yyyy-mm`, ascending. */
  months: readonly string[];
  /** `features`: lines carry features, and fewer details of services where a source cannot give both. */
  detail: 'services' | 'features';
}

/** Where bills come from: Cost Explorer, FOCUS files, the sample. */
export interface CostSource {
  /** As in JSON: `ce`, `focus:<path>`, `sample`. */
  readonly name: string;
  /** The tag that its lines name the tenant by. */
  readonly tenantKey: string;
  /** One bill a month, in the order asked. Throws `SaasctlError`. */
  bills(query: BillQuery): Promise<Bill[]>;
  /** Of the requests so far. */
  queryCost(): QueryCost;
  /** What the user should know of how the bills came about. */
  notes(): readonly string[];
  close(): Promise<void>;
}

/** What pools are split by: metered amounts of a tenant in a month. Only ratios matter: any unit, whole numbers. */
export type DriverAmounts = Readonly<Record<string, bigint>>;

/** What cost needs to know of a tenant, deleted ones included. */
export type ListedTenant = Pick<
  Tenant,
  'id' | 'name' | 'plan' | 'isolation' | 'status' | 'stripeCustomerId' | 'lateAt' | 'createdAt' | 'updatedAt'
>;

/** A whole stack, read with as few and as light requests as there can be. */
export interface Census {
  /** By id, ascending. */
  tenants(): Promise<ListedTenant[]>;
  /** Folded usage of the days from `first` to `last`, both included. To be read before the gates. */
  folded(tenantIds: readonly string[], first: string, last: string): Promise<Map<string, UsageItem[]>>;
  /** What is on the gates and not folded yet. */
  onGates(tenantIds: readonly string[]): Promise<Map<string, UsageItem[]>>;
}

/** What was metered, by driver: what need not be put together by tenant is read several times as fast. */
export interface MeteredColumns {
  ids: readonly string[];
  /** Of each of `ids`; empty where nobody has any. */
  of(driver: string): readonly (number | bigint)[];
}

/** What was metered in a month, as read at one time. */
export interface MeteredMonth {
  month: string;
  /** ISO-8601. */
  readAt: string;
  /** Of whom there is usage. */
  ids: readonly string[];
  /** By tenant id; made anew at each call, so that of many months no more than one need be held. */
  amounts(): ReadonlyMap<string, DriverAmounts>;
  /** The same by driver, where it is kept so. */
  columns?: MeteredColumns;
  /** Calls of all tenants by UTC day of the month. */
  calls: ReadonlyMap<string, bigint>;
}

/** Keeps what was metered in months gone by, of one stack. */
export interface MeterCache {
  /** `null`: not there, or not to be trusted. */
  read(month: string): Promise<MeteredMonth | null>;
  write(month: MeteredMonth): Promise<void>;
  /** What was found and not used. */
  notes(): readonly string[];
}

/** Drivers that every stack meters. Any metric of the project's own is a driver too. */
export const DRIVERS = ['requests', 'compute_seconds', 'byte_hours', 'write_units'] as const;

/** Instead of a driver: shared by the overhead policy; the same for every tenant; left unallocated. */
export const SPECIAL_DRIVERS = ['overhead', 'even', 'unallocated'] as const;

/** A driver, or several of which the first that anybody used counts. */
export type Driver = string | readonly string[];

/**
 * By service, as on the bill but for case and a leading Amazon or AWS. A driver, or one by part of the usage
 * type, `*` for the others: `{"DynamoDB": {"TimedStorage": "byte_hours", "*": "requests"}}`.
 */
export type DriverRules = Readonly<Record<string, Driver | Readonly<Record<string, Driver>>>>;

/** How the cost that no driver splits is shared: by what each tenant costs so far, the same for all, or not. */
export const OVERHEADS = ['proportional', 'even', 'none'] as const;
export type Overhead = (typeof OVERHEADS)[number];

/**
 * What becomes of a kind of line that is not usage.
 * `follow`: to the tenant it is tagged with, otherwise the ways that its service's cost went, be it to tenants,
 * to overhead or to nobody; `overhead`; `unallocated`;
 * `exclude`: not part of the bill that is allocated.
 */
export const TREATMENTS = ['follow', 'overhead', 'unallocated', 'exclude'] as const;
export type Treatment = (typeof TREATMENTS)[number];

export interface Policy {
  drivers: DriverRules;
  overhead: Overhead;
  credits: Treatment;
  /** Refunds and adjustments. */
  refunds: Treatment;
  tax: Treatment;
  support: Treatment;
}

/** What the allocation knows of a tenant. */
export interface CostTenant {
  id: string;
  name: string;
  plan: string;
  isolation: Isolation;
  status: TenantStatus;
  /** ISO-8601. */
  createdAt: string;
  /** ISO-8601; `null` while it lives. */
  deletedAt: string | null;
}

/** Why cost is unallocated. `no_cost`: overhead is shared by cost, of which nobody has any. */
export type UnallocatedReason = 'unknown_tenant' | 'no_usage' | 'no_cost' | 'no_tenants' | 'policy';

/** One summand, in 10^-scale units of the bill's currency. `tenantId` `null`: unallocated. */
export interface Share {
  tenantId: string | null;
  service: string | null;
  feature: string | null;
  kind: 'direct' | 'allocated' | 'overhead' | 'unallocated';
  units: bigint;
}

/** Cost that no tenant carries, said so that it can be mended. Amounts in 10^-scale units. */
export interface Unallocated {
  reason: UnallocatedReason;
  service: string | null;
  /** The tag value that is no tenant. */
  tag: string | null;
  /** The driver that nobody used. */
  driver: string | null;
  units: bigint;
}

/** Parts of one tenant's cost, in 10^-scale units. */
export interface Parts {
  direct: bigint;
  allocated: bigint;
  overhead: bigint;
}

/** Parts of every tenant's cost, in columns: there may be ten thousand of them in every month. */
export interface TenantParts<T extends number | bigint = number | bigint>
  extends Readonly<Record<keyof Parts, readonly T[]>> {
  /** How they are reckoned with. */
  whole: Whole<T>;
  /** Ascending; what is at a place in the columns is of the id at that place. */
  ids: readonly string[];
}

/** One month, every unit of it given to somebody or named as unallocated. All amounts in 10^-scale units. */
export interface Allocation {
  month: string;
  currency: string;
  scale: number;
  /** What is allocated: the source's total less what the policy excludes. */
  bill: bigint;
  excluded: bigint;
  /** Of all that ever were tenants; most of those that were not in the month have nothing. */
  tenants: TenantParts;
  totals: Parts & { unallocated: bigint };
  unallocated: readonly Unallocated[];
  /** Hands over every summand; their sum is `bill`. */
  shares(give: (share: Share) => void): void;
  /** Which driver split how much. */
  pools: readonly { driver: string; service: string | null; units: bigint }[];
  /** Calls to the shared API that the gate counted against requests that AWS billed; `null` where the bill does not say. */
  drift: { metered: bigint; billed: bigint } | null;
}
