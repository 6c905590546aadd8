import { type Weights, weightsOf } from './split.ts';
import type { DriverAmounts, MeteredColumns } from './types.ts';

/** The same, by driver. */
export function columnsOf(usage: ReadonlyMap<string, DriverAmounts>): MeteredColumns {
  const ids = [...usage.keys()];
  return { ids, of: (driver) => ids.map((id) => usage.get(id)?.[driver] ?? 0n) };
}

/** What was metered of everybody, as weights by driver, each added up once. */
export function openMeters(
  ids: readonly string[],
  usage: MeteredColumns,
  isPresent: (id: string) => boolean,
) {
  const known = new Map<string, Weights>();
  const inOrder = orderOf(ids, usage.ids);
  const weights = (driver: string): Weights => {
    const had = known.get(driver);
    if (had !== undefined) return had;
    const of = driver === 'even' ? ids.map((id) => (isPresent(id) ? 1 : 0)) : inOrder(usage.of(driver));
    const made = weightsOf(of);
    known.set(driver, made);
    return made;
  };
  return {
    weights,
    /** Of several drivers the first that anybody used; where nobody used any, the one that was wanted most. */
    first(drivers: readonly string[]): string {
      const used = drivers.find(
        (driver) => driver === 'overhead' || driver === 'unallocated' || weights(driver).at.length > 0,
      );
      return used ?? drivers[0] ?? 'overhead';
    },
  };
}

type Amounts = readonly (number | bigint)[];

/** Puts a column that is in the order of `given` in that of `ids`: mostly it is already. */
function orderOf(ids: readonly string[], given: readonly string[]): (column: Amounts) => Amounts {
  if (ids.length === given.length && ids.every((id, at) => id === given[at])) return (column) => column;
  const places = new Map(given.map((id, at) => [id, at]));
  return (column) => ids.map((id) => column[places.get(id) ?? -1] ?? 0);
}
