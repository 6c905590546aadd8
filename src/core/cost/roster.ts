import type { CostTenant } from './types.ts';

export interface Roster {
  /** Ascending. */
  ids: readonly string[];
  /** Of an id in `ids`. */
  positions: ReadonlyMap<string, number>;
  byId: ReadonlyMap<string, CostTenant>;
}

const made = new WeakMap<readonly CostTenant[], Roster>();

/** The tenants of a list in order: made once, for all the months that the list is allocated and shown in. */
export function rosterOf(tenants: readonly CostTenant[]): Roster {
  const had = made.get(tenants);
  if (had !== undefined) return had;
  const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
  const ids = sorted([...byId.keys()]);
  const roster = { ids, positions: positionsOf(ids), byId };
  made.set(tenants, roster);
  return roster;
}

/** A store lists them in order already. */
export const sorted = (ids: string[]): string[] =>
  ids.some((id, at) => at > 0 && id < (ids[at - 1] ?? '')) ? ids.sort() : ids;

export const positionsOf = (ids: readonly string[]): Map<string, number> =>
  new Map(ids.map((id, at) => [id, at]));
