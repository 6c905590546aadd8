import { monthRange } from '../../core/cost/present.ts';
import { TAG_KEYS } from '../../core/cost/tags.ts';
import type { Bill, CostSource } from '../../core/cost/types.ts';
import { ZERO } from '../../core/decimal.ts';
import { billOf, openMonths } from './focus/months.ts';
import { readRows } from './focus/read.ts';
import { tagReader } from './focus/tags.ts';

/** The month that the sample's rows are of. */
const SAMPLE_MONTH = '2026-01';
const PLACEHOLDER = /^\{tenant-(\d+)\}$/;

export interface SampleSettings {
  /** The FOCUS file that ships with the tool. */
  file: string;
  /** Its tables of single tenants are given to these, in their order; without so many they are shared. */
  tenantIds: readonly string[];
  /** The key that was asked for; the sample has its own all the same. */
  tenantKey: string;
  /** Epoch ms. */
  now: () => number;
}

/** The bill of a small stack, the same for every month: what cost reports look like before there is an AWS account. */
export function openSample({ file, tenantIds, tenantKey, now }: SampleSettings): CostSource {
  return {
    name: 'sample',
    tenantKey: TAG_KEYS.tenant,
    async bills({ months }) {
      const read = openMonths([SAMPLE_MONTH], tagReader(TAG_KEYS.tenant, TAG_KEYS.feature));
      await readRows(file, read.add);
      const month = read.months.get(SAMPLE_MONTH);
      if (month === undefined) return [];
      const sample = billOf(SAMPLE_MONTH, month, now());
      const lines = sample.lines.map((line) => ({ ...line, tenantTag: ownerOf(line.tenantTag, tenantIds) }));
      return months.map((name): Bill => {
        const end = Date.parse(monthRange(name).to);
        const estimated = now() < end;
        return {
          ...sample,
          lines,
          month: name,
          estimated,
          dataThrough: new Date(Math.min(now(), end)).toISOString(),
        };
      });
    },
    queryCost: () => ({ requests: 0, amount: ZERO }),
    notes: () => [
      'this is the sample bill that ships with saasctl, split by the usage of your tenants',
      ...(tenantKey === TAG_KEYS.tenant
        ? []
        : [`it is tagged ${TAG_KEYS.tenant}: the key ${tenantKey} is for bills of your own`]),
    ],
    close: async () => {},
  };
}

function ownerOf(tag: string | null, tenantIds: readonly string[]): string | null {
  const [, nth] = PLACEHOLDER.exec(tag ?? '') ?? [];
  return nth === undefined ? tag : (tenantIds[Number(nth) - 1] ?? null);
}
