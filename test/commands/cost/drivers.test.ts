import { expect, it } from 'vitest';
import { meteredDrivers } from '../../../src/commands/cost/drivers.ts';
import type { GateItem } from '../../../src/core/gate/layout.ts';
import type { UsageItem } from '../../../src/core/usage/usage.ts';
import { gateFixture } from '../../fixtures/gate.ts';

/** A store that keeps usage and gates, and remembers in which order they were read. */
function storeOf(usage: Record<string, UsageItem[]>, gates: Record<string, Partial<GateItem>>) {
  const reads: string[] = [];
  return {
    reads,
    async usage(id: string, first: string, last: string) {
      reads.push(`usage ${id} ${first} ${last}`);
      return (usage[id] ?? []).filter(({ day }) => day >= first && day <= last);
    },
    async gates(ids: readonly string[]) {
      reads.push(`gates ${ids.join()}`);
      return new Map(ids.flatMap((id) => (gates[id] ? [[id, gateFixture(gates[id])] as const] : [])));
    },
    // biome-ignore lint/suspicious/noExplicitAny: only the two are read
  } as any;
}

it('adds folded days and gate days by month; a call is a write, a gauge its hours, a metric its name', async () => {
  const item = (day: string, metric: string, amount: number): UsageItem => ({ day, metric, amount });
  const store = storeOf(
    {
      acme: [
        item('2026-09-30', 'api_calls', 5),
        item('2026-10-01', 'api_calls', 7),
        item('2026-10-02', 'storage_bytes', 2400),
        item('2026-10-02', 'tokens', 11),
        item('2026-11-01', 'api_calls', 999),
      ],
    },
    { acme: { u: { '2026-10-31': 3, '2026-10-31.c': 1500 } }, idle: {} },
  );
  const drivers = meteredDrivers(store, ['acme', 'idle'], ['2026-09', '2026-10']);
  expect(Object.fromEntries(await drivers.amounts('2026-10'))).toEqual({
    acme: { requests: 10n, write_units: 10n, byte_hours: 2400n, tokens: 11n, compute_seconds: 1500n },
  });
  expect((await drivers.amounts('2026-09')).get('acme')).toEqual({ requests: 5n, write_units: 5n });
  expect(await drivers.callsByDay('2026-10')).toEqual([7n, 3n]);
});

it('reads usage before the gates, once for all months, and no tenant twice', async () => {
  const store = storeOf({}, {});
  const drivers = meteredDrivers(store, ['acme'], ['2026-09', '2026-10']);
  await drivers.amounts('2026-09');
  await drivers.amounts('2026-10');
  expect(store.reads).toEqual(['usage acme 2026-09-01 2026-10-31', 'gates acme']);
});
