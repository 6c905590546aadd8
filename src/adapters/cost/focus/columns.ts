import { SaasctlError } from '../../../core/errors.ts';
import { shellWord } from '../../../core/shell-word.ts';

/** Columns that are read, by the names that versions and providers gave them. The first is the specification's. */
const NAMES = {
  cost: ['BilledCost'],
  currency: ['BillingCurrency'],
  period: ['BillingPeriodStart'],
  category: ['ChargeCategory', 'ChargeType'],
  service: ['ServiceName'],
  until: ['ChargePeriodEnd'],
  account: ['BillingAccountId'],
  provider: ['ProviderName', 'Provider', 'ServiceProviderName'],
  usageType: ['x_UsageType', 'SkuMeter'],
  quantity: ['ConsumedQuantity', 'UsageQuantity'],
  tags: ['Tags'],
  invoice: ['InvoiceId', 'x_InvoiceId'],
} as const;
type Column = keyof typeof NAMES;

const NEEDED: readonly Column[] = ['cost', 'currency', 'period', 'category', 'service'];

/** Where each column stands; -1: the file has none. */
export type Columns = Readonly<Record<Column, number>>;

/** Throws `focus_header` (category config) where the file lacks what a bill is made of, or has it twice. */
export function columnsOf(header: readonly string[], file: string): Columns {
  const plain = header.map(simplified);
  const at = (names: readonly string[]): number => {
    const found = names.find((name) => plain.includes(simplified(name)));
    return found === undefined ? -1 : plain.indexOf(simplified(found));
  };
  const columns = Object.fromEntries(
    Object.entries(NAMES).map(([column, names]) => [column, at(names)]),
  ) as Record<Column, number>;
  const missing = NEEDED.filter((column) => columns[column] < 0).map((column) => NAMES[column][0]);
  const twice = NEEDED.find(
    (column) => columns[column] >= 0 && plain.lastIndexOf(plain[columns[column]] ?? '') !== columns[column],
  );
  if (twice !== undefined) {
    throw new SaasctlError({
      code: 'focus_header',
      category: 'config',
      message: `${file} has the column ${NAMES[twice][0]} more than once`,
      hint: 'which of them is meant, only who made the file can say',
      next: `head -1 ${shellWord(file)}`,
    });
  }
  if (missing.length === 0) return columns;
  const seen = header.slice(0, 6).map((name) => JSON.stringify(name.slice(0, 40)));
  throw new SaasctlError({
    code: 'focus_header',
    category: 'config',
    message: `${file} lacks the ${missing.length === 1 ? 'column' : 'columns'} ${missing.join(', ')}`,
    hint: `its first line begins with ${seen.join(', ')}; FOCUS 1.0 and 1.2 name them so`,
    next: `head -1 ${shellWord(file)}`,
  });
}

const simplified = (name: string): string => name.trim().toLowerCase().replace(/[ _]/g, '');
