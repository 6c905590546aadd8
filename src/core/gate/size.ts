import type { GateItem } from './layout.ts';

/** What a write unit covers. */
export const WRITE_UNIT_BYTES = 1024;
/** Write units that one item takes a second, at most. */
const ITEM_UNITS_PER_SECOND = 1000;

/**
 * An item's size in bytes by AWS's rules (DynamoDB Developer Guide, "Item sizes and formats"), not by what an engine
 * says: names and strings in UTF-8; a number 1 byte and 1 for two significant digits; a map 3 bytes and 1 for each
 * member. One more for a negative number, as AWS bills it and the guide does not say.
 */
export function itemSize(item: object): number {
  return members(item);
}

const members = (map: object): number =>
  Object.entries(map).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);

function valueSize(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return Buffer.byteLength(value);
    case 'number':
      return numberSize(value);
    case 'object':
      if (value === null) return 1;
      if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + 1 + valueSize(one), 3);
      return 3 + Object.keys(value).length + members(value);
    default:
      return 1;
  }
}

function numberSize(value: number): number {
  const [mantissa = ''] = Math.abs(value).toString().split('e');
  const digits = mantissa.replace('.', '').replace(/^0+/, '').replace(/0+$/, '');
  return 1 + Math.ceil(digits.length / 2) + (value < 0 ? 1 : 0);
}

/** What every call of a tenant costs and how many a second it can make, by its gate's size. */
export interface GateCost {
  bytes: number;
  /** Write units a call. */
  units: number;
  /** Calls a second, without leases. */
  perSecond: number;
}

export function gateCost(gate: GateItem): GateCost {
  const bytes = itemSize(inUse(gate));
  const units = Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
  return { bytes, units, perSecond: Math.floor(ITEM_UNITS_PER_SECOND / units) };
}

/** Stand for times and counters once calls come in. */
const A_TIME = 1_795_348_800_123_457;
const A_COUNT = 1_234_567;
const THREE_DAYS = Object.fromEntries(
  ['2026-01-01', '2026-01-02', '2026-01-03'].flatMap((day) => [
    [day, A_COUNT],
    [`${day}.c`, A_COUNT],
  ]),
);
const TWO_MONTHS = { '2026-01': A_COUNT, '2026-02': A_COUNT };

/** The gate as it is with every key in use and days to fold: a new one is smaller than it will be. */
function inUse(gate: GateItem): GateItem {
  const { u, m } = gate;
  const k = Object.entries(gate.k).map(([id, key]) => [id, { ...key, aat: A_TIME, tat: A_TIME, lu: A_TIME }]);
  return {
    ...gate,
    k: Object.fromEntries(k),
    u: itemSize(u) > itemSize(THREE_DAYS) ? u : THREE_DAYS,
    m: itemSize(m) > itemSize(TWO_MONTHS) ? m : TWO_MONTHS,
  };
}

/** What a gate above one write unit costs, in words; `null` while it is not. */
export function sizeWarning({ bytes, units, perSecond }: GateCost): string | null {
  if (units === 1) return null;
  return `its gate is ${bytes} bytes: a call costs ${units} write units instead of 1, and it takes ${perSecond} calls a second instead of ${ITEM_UNITS_PER_SECOND}`;
}
