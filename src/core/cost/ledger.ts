import { positionsOf, rosterOf, sorted } from './roster.ts';
import { splitIn, type Weights } from './split.ts';
import type { CostTenant, Parts, Share, TenantParts, Unallocated, UnallocatedReason } from './types.ts';
import type { Whole } from './whole.ts';

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
export function openLedger<T extends number | bigint>(
  whole: Whole<T>,
  tenants: readonly CostTenant[],
  used: Iterable<string>,
) {
  const { zero, plus } = whole;
  const roster = rosterOf(tenants);
  // Usage of an id that is no tenant takes its share, so that it is not put on the others.
  const strangers = new Set<string>();
  for (const id of used) if (!roster.byId.has(id)) strangers.add(id);
  const ids = strangers.size === 0 ? roster.ids : sorted([...roster.ids, ...strangers]);
  const positions = strangers.size === 0 ? roster.positions : positionsOf(ids);
  const isStranger = (at: number): boolean => strangers.size > 0 && strangers.has(ids[at] ?? '');
  const none = (): T[] => new Array<T>(ids.length).fill(zero);
  const parts = { direct: none(), allocated: none(), overhead: none() };
  const direct = new Map<string, Place & { at: number; units: bigint }>();
  const left = new Map<string, Unallocated & Place>();
  const pools: Pool[] = [];

  const ledger = {
    /** Ascending; a position in it is what weights and shares are of. */
    ids,
    isTenant: (id: string): boolean => roster.byId.has(id),

    direct(id: string, { service, feature }: Place, units: bigint): void {
      const at = positions.get(id) ?? -1;
      const key = keyOf(at, service, feature);
      const entry = direct.get(key);
      if (entry === undefined) direct.set(key, { at, service, feature, units });
      else entry.units += units;
      parts.direct[at] = plus(parts.direct[at] ?? zero, whole.of(units));
    },

    /** A pool is kept whole, and split again where its shares are asked for: there may be millions of them. */
    share(
      kind: Pool['kind'],
      { service, feature, units }: Place & { units: bigint },
      weights: Weights,
    ): void {
      pools.push({ kind, service, feature, units, weights });
      const sums = parts[kind];
      splitIn(whole, whole.of(units), weights, (at, share) => {
        if (isStranger(at))
          ledger.leave('unknown_tenant', { service, feature }, BigInt(share), { tag: ids[at] ?? '' });
        else sums[at] = plus(sums[at] ?? zero, share);
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
    cost(): T[] {
      return parts.direct.map((direct, at) => plus(direct, parts.allocated[at] ?? zero));
    },
    costOf(service: string | null): T[] {
      const sums = none();
      for (const { service: of, at, units } of direct.values())
        if (of === service) sums[at] = plus(sums[at] ?? zero, whole.of(units));
      for (const { units, weights } of pools.filter((pool) => pool.service === service)) {
        splitIn(whole, whole.of(units), weights, (at, share) => {
          sums[at] = plus(sums[at] ?? zero, share);
        });
      }
      return sums;
    },

    parts(): TenantParts<T> {
      if (strangers.size === 0) return { ids, whole, ...parts };
      const known = (column: readonly T[]): T[] => column.filter((_, at) => !isStranger(at));
      const { direct, allocated, overhead } = parts;
      return {
        ids: roster.ids,
        whole,
        direct: known(direct),
        allocated: known(allocated),
        overhead: known(overhead),
      };
    },
    totals(): Parts & { unallocated: bigint } {
      const sum = (amounts: readonly T[]): bigint => BigInt(amounts.reduce(plus, zero));
      return {
        direct: sum(parts.direct),
        allocated: sum(parts.allocated),
        overhead: sum(parts.overhead),
        unallocated: [...left.values()].reduce((so_far, { units }) => so_far + units, 0n),
      };
    },
    /** What nobody was given: services apart, features together. */
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
      for (const { service, feature, kind, units, weights } of pools) {
        splitIn(whole, whole.of(units), weights, (at, share) => {
          if (isStranger(at)) return;
          give({ tenantId: ids[at] ?? null, service, feature, kind, units: BigInt(share) });
        });
      }
      for (const { service, feature, units } of left.values())
        give({ tenantId: null, service, feature, kind: 'unallocated', units });
    },
  };
  return ledger;
}
export type Ledger<T extends number | bigint> = ReturnType<typeof openLedger<T>>;
