import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bill, CostLine, RecordType } from '../../core/cost/types.ts';
import type { Decimal } from '../../core/decimal.ts';

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

const FORMAT = 1;
/** Cost data of an open month changes up to three times a day. */
const OPEN_MS = 6 * 3_600_000;

/**
 * Months as files of one folder: a final month for ever, an open one for hours. A file is written aside and renamed;
 * one that is cut short, damaged or of something else is said and asked for again. `now`: epoch ms.
 */
export function billCache(folder: string, now: () => number): BillCache {
  const said: string[] = [];
  const fileOf = (key: CacheKey): string => {
    const digest = hashOf(JSON.stringify(fields(key))).slice(0, 16);
    return join(
      folder,
      `${key.source.replace(/[^a-z0-9]+/gi, '-').slice(0, 20)}-${key.month}-${digest}.json`,
    );
  };
  return {
    async read(key) {
      const file = fileOf(key);
      const text = await readFile(file, 'utf8').catch(() => null);
      if (text === null) return null;
      const found = parsed(text);
      if (found === null) {
        said.push(`${file} is damaged: ${key.month} was asked for again`);
        return null;
      }
      const other = fields(key).find(([name, value]) => found.key[name] !== value);
      if (other !== undefined) {
        const [name, value] = other;
        said.push(`${file} is of ${name} ${found.key[name]}, not ${value}: ${key.month} was asked for again`);
        return null;
      }
      const age = now() - found.fetchedAt;
      if (found.bill.estimated && (age < 0 || age > OPEN_MS)) return null;
      return found.bill;
    },
    async write(key, bill) {
      const file = fileOf(key);
      const draft = `${file}.${randomUUID()}.tmp`;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeWhole(draft, encoded(key, bill, now()));
        await rename(draft, file);
      } catch (error) {
        await rm(draft, { force: true }).catch(() => {});
        // The answer is there: a folder that cannot be written costs the next run a few cents.
        said.push(`cannot keep ${key.month} in ${folder}: ${(error as NodeJS.ErrnoException).code}`);
      }
    },
    notes: () => said,
  };
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

const fields = (key: CacheKey): [keyof CacheKey, string][] =>
  (Object.entries(key) as [keyof CacheKey, string][]).sort(([a], [b]) => (a < b ? -1 : 1));
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

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

/** Two lines: what it is and the hash of the other; the month, its texts written once. */
function encoded(key: CacheKey, bill: Bill, fetchedAt: number): string {
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
  const { total, ...rest } = bill;
  const body = JSON.stringify({ ...rest, total: plain(total), texts: [...texts.keys()], lines });
  return `${JSON.stringify({ format: FORMAT, key, fetchedAt, sha256: hashOf(body) })}\n${body}`;
}

const plain = ({ units, scale }: Decimal): PlainDecimal => [String(units), scale];
const decimal = ([units, scale]: PlainDecimal): Decimal => ({ units: BigInt(units), scale });

/** `null` unless every byte is as it was written. */
function parsed(text: string): { key: CacheKey; fetchedAt: number; bill: Bill } | null {
  const end = text.indexOf('\n');
  try {
    const header = JSON.parse(text.slice(0, end));
    const body = text.slice(end + 1);
    if (header.format !== FORMAT || header.sha256 !== hashOf(body)) return null;
    const { texts, lines, total, ...rest } = JSON.parse(body) as Omit<Bill, 'lines' | 'total'> & {
      texts: (string | null)[];
      lines: PlainLine[];
      total: PlainDecimal;
    };
    const textAt = (position: number): string | null => texts[position] ?? null;
    return {
      key: header.key,
      fetchedAt: header.fetchedAt,
      bill: {
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
      },
    };
  } catch {
    return null;
  }
}
