import type { Bill, CostLine, RecordType } from '../../core/cost/types.ts';
import type { Decimal } from '../../core/decimal.ts';
import { keptFiles, OPEN_MS } from './kept-files.ts';

/** What a stored month is of. Another account, tag or source is another file, and never an answer. */
export interface CacheKey {
  source: string;
  account: string;
  tenantKey: string;
  featureKey: string;
  metric: string;
  detail: string;
  month: string;
}

export interface BillCache {
  /** `null`: not there, too old, or not to be trusted. */
  read(key: CacheKey): Promise<Bill | null>;
  write(key: CacheKey, bill: Bill): Promise<void>;
  /** What was found and not used. */
  notes(): readonly string[];
}

/**
 * Bills by month: a final one for ever, one of an open month for hours. `now`: epoch ms. `endpoint`: where they were
 * asked for, if that was said: what a stand-in answers is no bill of the account's.
 */
export function billCache(folder: string, now: () => number, endpoint = ''): BillCache {
  const files = keptFiles(folder, now);
  const subjectOf = (key: CacheKey) => ({ ...key, endpoint });
  const prefixOf = ({ source, month }: CacheKey): string =>
    `${source.replace(/[^a-z0-9]+/gi, '-').slice(0, 20)}-${month}`;
  return {
    async read(key) {
      const kept = await files.read<KeptBill>(prefixOf(key), subjectOf(key));
      if (kept === null) return null;
      const age = now() - kept.at;
      return kept.value.estimated && (age < 0 || age > OPEN_MS) ? null : decoded(kept.value);
    },
    write: (key, bill) => files.write(prefixOf(key), subjectOf(key), encoded(bill)),
    notes: files.notes,
  };
}

type PlainDecimal = [units: string, scale: number];
type PlainLine = [
  amount: string,
  scale: number,
  service: number,
  usageType: number,
  feature: number,
  tenantTag: number,
  recordType: number,
  quantity: PlainDecimal | null,
];

type KeptBill = Omit<Bill, 'lines' | 'total'> & {
  total: PlainDecimal;
  /** Each text once; lines name it by its place. */
  texts: (string | null)[];
  lines: PlainLine[];
};

function encoded(bill: Bill): KeptBill {
  const texts = new Map<string | null, number>();
  const at = (text: string | null): number => {
    const had = texts.get(text);
    if (had !== undefined) return had;
    texts.set(text, texts.size);
    return texts.size - 1;
  };
  const lines = bill.lines.map(
    (line): PlainLine => [
      String(line.amount.units),
      line.amount.scale,
      at(line.service),
      at(line.usageType),
      at(line.feature),
      at(line.tenantTag),
      at(line.recordType),
      line.quantity && plain(line.quantity),
    ],
  );
  return { ...bill, total: plain(bill.total), texts: [...texts.keys()], lines };
}

function decoded({ texts, lines, total, ...rest }: KeptBill): Bill {
  const textAt = (position: number): string | null => texts[position] ?? null;
  return {
    ...rest,
    total: decimal(total),
    lines: lines.map(
      ([units, scale, service, usageType, feature, tenantTag, recordType, quantity]): CostLine => ({
        amount: { units: BigInt(units), scale },
        service: textAt(service),
        usageType: textAt(usageType),
        feature: textAt(feature),
        tenantTag: textAt(tenantTag),
        recordType: textAt(recordType) as RecordType,
        quantity: quantity && decimal(quantity),
      }),
    ),
  };
}

const plain = ({ units, scale }: Decimal): PlainDecimal => [String(units), scale];
const decimal = ([units, scale]: PlainDecimal): Decimal => ({ units: BigInt(units), scale });
