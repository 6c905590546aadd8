import { basename } from 'node:path';
import { isMoney } from '../../../core/cost/money.ts';
import type { Bill, BillQuery, CostSource } from '../../../core/cost/types.ts';
import { addDecimals, type Decimal, formatDecimal, ZERO } from '../../../core/decimal.ts';
import { SaasctlError } from '../../../core/errors.ts';
import { shellWord } from '../../../core/shell-word.ts';
import { focusFiles } from './files.ts';
import { billOf, type Months, openMonths } from './months.ts';
import { readRows } from './read.ts';
import { tagReader } from './tags.ts';

export interface FocusSettings {
  /** A file, or a folder of the files of one or more months. */
  path: string;
  /** The tag that holds the tenant's id. */
  tenantKey: string;
  featureKey: string;
  /** Epoch ms. */
  now: () => number;
}

/** Bills from FOCUS 1.0 and 1.2 files (CSV, plain or gzip), read once however many months are asked for. */
export function openFocus({ path, tenantKey, featureKey, now }: FocusSettings): CostSource {
  const said: string[] = [];
  return {
    name: `focus:${path}`,
    tenantKey,
    async bills({ months }: BillQuery): Promise<Bill[]> {
      const read = openMonths(months, tagReader(tenantKey, featureKey));
      const { files, unread } = await focusFiles(path);
      const [first, ...more] = unread.map((file) => basename(file));
      if (first !== undefined)
        said.push(
          `not read, since FOCUS files are CSV: ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`,
        );
      for (const file of files) await readRows(file, read.add);
      return months.map((name) => {
        const month = monthIn(read, name, path);
        const providers = [...month.providers.keys()];
        if (providers.length > 1) {
          const amounts = [...month.providers].map(([provider, sum]) => `${provider} ${formatDecimal(sum)}`);
          said.push(`${name} has ${providers.length} providers, all allocated: ${amounts.join(', ')}`);
        }
        if (month.accounts.size > 1) said.push(`${name} is of ${month.accounts.size} billing accounts`);
        return billOf(name, month, now());
      });
    },
    queryCost: () => ({ requests: 0, amount: ZERO }),
    notes: () => said,
    close: async () => {},
  };
}

/** Throws where the files lack the month, or have it in several currencies. */
function monthIn({ months, others }: Months, name: string, path: string) {
  const month = months.get(name);
  if (month === undefined || month.sums.size === 0) {
    const has = [
      ...others,
      ...[...months].filter(([, { sums }]) => sums.size > 0).map(([one]) => one),
    ].sort();
    const latest = has.at(-1);
    throw new SaasctlError({
      code: 'no_bill',
      category: 'not_found',
      message: `${path} has no rows of ${name}`,
      // Without rows it has no month that could be asked for instead.
      ...(latest === undefined
        ? {
            hint: 'it has a header and no rows of any month: name a file or folder that has some',
            next: 'saasctl cost report --source focus:<path>',
          }
        : {
            hint: `it has ${has.join(', ')}`,
            next: `saasctl cost report --source ${shellWord(`focus:${path}`)} --month ${latest}`,
          }),
    });
  }
  if (month.currencies.size > 1) {
    const amounts = [...month.currencies].map(
      ([currency, sum]) => `${formatDecimal(sum)} ${currency || '(none)'}`,
    );
    throw new SaasctlError({
      code: 'mixed_currencies',
      category: 'config',
      message: `${name} is billed in ${month.currencies.size} currencies: ${amounts.join(', ')}`,
      hint: 'amounts of different currencies are never added: give the files of one currency at a time',
      next: 'saasctl cost report --source focus:<path>',
    });
  }
  const [currency = ''] = month.currencies.keys();
  if (!/^[A-Z]{3}$/.test(currency)) {
    throw new SaasctlError({
      code: 'focus_row',
      category: 'config',
      message: `${path}: BillingCurrency of ${name} is ${JSON.stringify(currency)}, not a currency`,
      next: 'saasctl cost report --source focus:<path>',
    });
  }
  const sizes = [...month.sums.values()].reduce<Decimal>(
    (sum, { amount: { units, scale } }) => addDecimals(sum, { units: units < 0n ? -units : units, scale }),
    ZERO,
  );
  if (!isMoney(sizes, currency)) {
    throw new SaasctlError({
      code: 'focus_row',
      category: 'config',
      message: `${path}: the rows of ${name} are ${formatDecimal(sizes)} ${currency}, more than any bill has`,
      hint: 'charges and credits are counted by their size; a column may be in another unit',
      next: 'saasctl cost report --source focus:<path>',
    });
  }
  return month;
}
