import { split, type Weights } from './split.ts';
import type { CostTenant, Parts, Share, Unallocated, UnallocatedReason } from './types.ts';

interface Place {
  service: string | null;
  feature: string | null;
}

interface Pool extends Place {
  kind: 'allocated' | 'overhead';
  units: bigint;
  weights: Weights;
}

const keyOf = (...parts: readonly (string | number | null)[]): string => JSON.stringify(parts);

/** What each tenant was given, and what nobody was: kept as it is given, added up as it is asked for. */
export function openLedger(tenants: readonly CostTenant[], used: Iterable<string>) {
  const known = new Set<string>();
  for (const { id } of tenants) known.add(id);
  // Usage of an id that is no tenant takes its share, so that it is not put on the others.
  const strangers = new Set<string>();
  for (const id of used) if (!known.has(id)) strangers.add(id);
  const ids = [...known, ...strangers];
  // A store lists them in order already.
  if (ids.some((id, at) => at > 0 && id < (ids[at - 1] ?? ''))) ids.sort();
  const isKnown = ids.map((id) => !strangers.has(id));
  const positions = new Map<string, number>();
  for (const [at, id] of ids.entries()) positions.set(id, at);
  const none = (): bigint[] => new Array<bigint>(ids.length).fill(0n);
  const parts = { direct: none(), allocated: none(), overhead: none() };
  const direct = new Map<string, Place & { at: number; units: bigint }>();
  const left = new Map<string, Unallocated & Place>();
  const pools: Pool[] = [];

  const ledger = {
    /** Ascending; a position in it is what weights and shares are of. */
    ids,
    isTenant: (id: string): boolean => known.has(id),

    direct(id: string, { service, feature }: Place, units: bigint): void {
      const at = positions.get(id) ?? -1;
      const key = keyOf(at, service, feature);
      const entry = direct.get(key);
      if (entry === undefined) direct.set(key, { at, service, feature, units });
      else entry.units += units;
      parts.direct[at] = (parts.direct[at] ?? 0n) + units;
    },

    /** A pool is kept whole, and split again where its shares are asked for: there may be millions of them. */
    share(
      kind: Pool['kind'],
      { service, feature, units }: Place & { units: bigint },
      weights: Weights,
    ): void {
      pools.push({ kind, service, feature, units, weights });
      const sums = parts[kind];
      split(units, weights, (at, share) => {
        if (isKnown[at]) sums[at] = (sums[at] ?? 0n) + share;
        else ledger.leave('unknown_tenant', { service, feature }, share, { tag: ids[at] ?? '' });
      });
    },

    /** Cost that nobody is given, and why. */
    leave(
      reason: UnallocatedReason,
      { service, feature }: Place,
      units: bigint,
      { tag = null, driver = null }: { tag?: string | null; driver?: string | null } = {},
    ): void {
      const key = keyOf(reason, service, feature, tag, driver);
      const entry = left.get(key);
      if (entry === undefined) left.set(key, { reason, service, feature, tag, driver, units });
      else entry.units += units;
    },

    /** By position: what each costs so far; of one service alone, direct and allocated. */
    cost(): bigint[] {
      return ids.map((_, at) => (parts.direct[at] ?? 0n) + (parts.allocated[at] ?? 0n));
    },
    costOf(service: string | null): bigint[] {
      const sums = none();
      for (const entry of direct.values())
        if (entry.service === service) sums[entry.at] = (sums[entry.at] ?? 0n) + entry.units;
      for (const { units, weights } of pools.filter((pool) => pool.service === service)) {
        split(units, weights, (at, share) => {
          sums[at] = (sums[at] ?? 0n) + share;
        });
      }
      return sums;
    },

    /** What nobody was given of a service. */
    leftOf: (service: string | null): Unallocated[] =>
      [...left.values()].filter((entry) => entry.service === service).map((entry) => ({ ...entry })),

    parts(): Map<string, Parts> {
      const { direct, allocated, overhead } = parts;
      const byTenant = new Map<string, Parts>();
      for (const [at, id] of ids.entries()) {
        if (!isKnown[at]) continue;
        byTenant.set(id, {
          direct: direct[at] ?? 0n,
          allocated: allocated[at] ?? 0n,
          overhead: overhead[at] ?? 0n,
        });
      }
      return byTenant;
    },
    totals(): Parts & { unallocated: bigint } {
      const sum = (amounts: readonly bigint[]): bigint =>
        amounts.reduce((so_far, amount) => so_far + amount, 0n);
      return {
        direct: sum(parts.direct),
        allocated: sum(parts.allocated),
        overhead: sum(parts.overhead),
        unallocated: sum([...left.values()].map(({ units }) => units)),
      };
    },
    /** Services apart, features together. */
    leftOver(): Unallocated[] {
      const merged = new Map<string, Unallocated>();
      for (const { reason, service, tag, driver, units } of left.values()) {
        const key = keyOf(reason, service, tag, driver);
        merged.set(key, { reason, service, tag, driver, units: (merged.get(key)?.units ?? 0n) + units });
      }
      return [...merged.values()].filter(({ units }) => units !== 0n);
    },

    shares(give: (share: Share) => void): void {
      for (const { at, service, feature, units } of direct.values())
        give({ tenantId: ids[at] ?? null, service, feature, kind: 'direct', units });
      for (const { service, feature, kind, units: whole, weights } of pools) {
        split(whole, weights, (at, units) => {
          if (isKnown[at]) give({ tenantId: ids[at] ?? null, service, feature, kind, units });
        });
      }
      for (const { service, feature, units } of left.values())
        give({ tenantId: null, service, feature, kind: 'unallocated', units });
    },
  };
  return ledger;
}
export type Ledger = ReturnType<typeof openLedger>;
