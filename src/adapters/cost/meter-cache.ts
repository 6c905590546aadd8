import type { DriverAmounts, MeterCache, MeteredMonth } from '../../core/cost/types.ts';
import { keptFiles } from './kept-files.ts';

/** Whose usage it is. */
export interface MeteredStack {
  account: string;
  region: string;
  stack: string;
  /** Where DynamoDB answers, if that was said; empty: AWS, or the store beside the folder. */
  endpoint: string;
}

/** Columns, so that ten thousand tenants are read at once: amounts in the order of `ids`, larger ones as texts. */
interface KeptMonth {
  readAt: string;
  ids: string[];
  drivers: Record<string, (number | string)[]>;
  calls: [day: string, count: string][];
}

/** What was metered, by month. How long a month holds is for the caller to judge, by `readAt`. `now`: epoch ms. */
export function meterCache(folder: string, stack: MeteredStack, now: () => number): MeterCache {
  const files = keptFiles(folder, now);
  const prefixOf = (month: string): string => `usage-${month}`;
  return {
    async read(month): Promise<MeteredMonth | null> {
      const kept = await files.read<KeptMonth>(prefixOf(month), { ...stack, month });
      if (kept === null) return null;
      const { readAt, ids, drivers, calls } = kept.value;
      return {
        month,
        readAt,
        ids,
        amounts: () => byTenant(ids, drivers),
        columns: { ids, of: (driver) => exact(drivers[driver] ?? []) },
        calls: new Map(calls.map(([day, count]) => [day, BigInt(count)])),
      };
    },
    write({ month, readAt, ids: of, amounts: make, calls }) {
      const ids = [...of];
      const amounts = make();
      const names = new Set([...amounts.values()].flatMap((of) => Object.keys(of)));
      const column = (driver: string): (number | string)[] =>
        ids.map((id) => short(amounts.get(id)?.[driver] ?? 0n));
      const value: KeptMonth = {
        readAt,
        ids,
        drivers: Object.fromEntries([...names].map((driver) => [driver, column(driver)])),
        calls: [...calls].map(([day, count]) => [day, String(count)]),
      };
      return files.write(prefixOf(month), { ...stack, month }, value);
    },
    notes: files.notes,
  };
}

function byTenant(ids: readonly string[], drivers: KeptMonth['drivers']): Map<string, DriverAmounts> {
  const amounts = new Map<string, DriverAmounts>();
  const columns = Object.entries(drivers);
  for (const [at, id] of ids.entries()) {
    const of: Record<string, bigint> = {};
    for (const [driver, column] of columns) of[driver] = BigInt(column[at] ?? 0);
    amounts.set(id, of);
  }
  return amounts;
}

const exact = (column: readonly (number | string)[]): (number | bigint)[] =>
  column.map((amount) => (typeof amount === 'string' ? BigInt(amount) : amount));

const short = (amount: bigint): number | string =>
  amount <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(amount) : String(amount);
