import { type Weights, weightsOf } from './split.ts';
import type { DriverAmounts } from './types.ts';

/** What was metered of everybody, as weights by driver, each added up once. */
export function openMeters(
  ids: readonly string[],
  usage: ReadonlyMap<string, DriverAmounts>,
  present: ReadonlySet<string>,
) {
  const known = new Map<string, Weights>();
  const weights = (driver: string): Weights => {
    const had = known.get(driver);
    if (had !== undefined) return had;
    const made = weightsOf(
      ids.map((id) => {
        if (driver === 'even') return present.has(id) ? 1n : 0n;
        return usage.get(id)?.[driver] ?? 0n;
      }),
    );
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
