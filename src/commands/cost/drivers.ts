import type { DriverAmounts, UsageDrivers } from '../../core/cost/types.ts';
import type { ControlStore } from '../../core/ports.ts';
import { gateDays, type UsageItem } from '../../core/usage/usage.ts';
import { inBatches } from '../batches.ts';

/** Tenants whose usage is read at the same time. */
const AT_ONCE = 100;

/** The driver that a metric is; metrics of the project's own are drivers by their name. */
const DRIVER_OF: Readonly<Record<string, string>> = {
  api_calls: 'requests',
  storage_bytes: 'byte_hours',
};

/**
 * Drivers from what was metered: everybody's usage of the months that will be asked for, read once. A gauge's
 * amount is its level × hours. Writes are not metered by themselves: every call is one to the gate.
 */
export function meteredDrivers(
  store: ControlStore,
  tenantIds: readonly string[],
  months: readonly string[],
): UsageDrivers & { callsByDay(month: string): Promise<readonly bigint[]> } {
  let read: ReturnType<typeof readAll> | undefined;
  const all = () => {
    read ??= readAll(store, tenantIds, months);
    return read;
  };
  return {
    amounts: async (month) => (await all()).found.get(month) ?? new Map(),
    /** Of all tenants, by UTC day of the month; days without a call are left out. */
    async callsByDay(month) {
      const { calls } = await all();
      return [...calls.entries()].filter(([day]) => day.startsWith(month)).map(([, count]) => count);
    },
  };
}

async function readAll(store: ControlStore, tenantIds: readonly string[], months: readonly string[]) {
  const found = new Map(months.map((month) => [month, new Map<string, DriverAmounts>()]));
  const calls = new Map<string, bigint>();
  const [first = '', last = first] = [months[0], months.at(-1)];
  for await (const ids of inBatches(listed(tenantIds), AT_ONCE)) {
    // Folded usage before the gates: a fold between the two is then missed for a moment, never counted twice.
    const folded = await Promise.all(ids.map((id) => store.usage(id, `${first}-01`, `${last}-31`)));
    const gates = await store.gates(ids);
    for (const [i, id] of ids.entries()) {
      const items = [...(folded[i] ?? []), ...gateDays(gates.get(id) ?? null, '')];
      for (const [month, amounts] of byMonth(items)) found.get(month)?.set(id, amounts);
      for (const { day, metric, amount } of items) {
        if (metric === 'api_calls') calls.set(day, (calls.get(day) ?? 0n) + BigInt(Math.trunc(amount)));
      }
    }
  }
  return { found, calls };
}

async function* listed(ids: readonly string[]): AsyncGenerator<string> {
  yield* ids;
}

function byMonth(items: readonly UsageItem[]): Map<string, DriverAmounts> {
  const months = new Map<string, Record<string, bigint>>();
  for (const { day, metric, amount } of items) {
    const month = day.slice(0, 7);
    const amounts = months.get(month) ?? {};
    const driver = DRIVER_OF[metric] ?? metric;
    amounts[driver] = (amounts[driver] ?? 0n) + BigInt(Math.trunc(amount));
    if (driver === 'requests') amounts['write_units'] = amounts['requests'] ?? 0n;
    months.set(month, amounts);
  }
  return months;
}
