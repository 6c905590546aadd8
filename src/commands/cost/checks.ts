import { exceedsUnallocated } from '../../core/cost/coverage.ts';
import type { Cents } from '../../core/cost/money.ts';
import { type CostRow, type StreamedReport, UNALLOCATED } from '../../core/cost/report.ts';
import { type Decimal, formatDecimal } from '../../core/decimal.ts';
import { SaasctlError, usageError } from '../../core/errors.ts';
import { shellWord } from '../../core/shell-word.ts';
import { moneyText } from '../../ui/amount.ts';
import type { Gathered } from './gather.ts';

/** For cron: exit code 8 where more of a bill is unallocated than `limit` percent. `tag`: the tenant tag as typed. */
export function checkUnallocated(
  { months, sourceName }: Gathered,
  limit: Decimal,
  tag: string | undefined,
): void {
  const over = months
    .map(({ bill, allocation }) => ({ bill, allocation: allocation() }))
    .filter(({ allocation }) => exceedsUnallocated(allocation, limit));
  const [first] = over;
  if (first === undefined) return;
  const { unallocated } = first.allocation;
  const reasons = [...new Set(unallocated.map(({ tag, driver, service }) => reasonOf(tag, driver, service)))];
  throw new SaasctlError({
    code: 'too_much_unallocated',
    category: 'pending',
    message: `more than ${formatDecimal(limit)}% of the bill is no tenant’s in ${over.map(({ bill }) => bill.month).join(', ')}`,
    hint: reasons.slice(0, 3).join('; ') || undefined,
    // Of a file's tags AWS knows nothing.
    next:
      sourceName === 'ce'
        ? 'saasctl cost tags'
        : `saasctl cost report ${ofBill(first.bill.month, sourceName, tag)} -o json`,
  });
}

/** The flags that ask for the same bill again, split by the same tag. */
const ofBill = (month: string, source: string, tag: string | undefined): string =>
  [
    `--month ${month}`,
    ...(source === 'ce' ? [] : [`--source ${shellWord(source)}`]),
    ...(tag === undefined ? [] : [`--tenant-tag ${shellWord(tag)}`]),
  ].join(' ');

const reasonOf = (tag: string | null, driver: string | null, service: string | null): string => {
  if (tag !== null) return `the tag value ${JSON.stringify(tag)} is no tenant`;
  if (driver !== null) return `${service ?? 'some cost'} is split by ${driver}, of which nobody had any`;
  return `${service ?? 'some cost'} is left to nobody`;
};

/** Said before anything is asked that costs money. */
export const noRevenue = (mode: string): SaasctlError =>
  usageError('no_revenue', '--fail-on-negative-margin: there is no revenue to compare the cost with', {
    hint:
      mode === 'stand-in'
        ? 'the profile has the stand-in for Stripe: margins need "stripe": "test" or "live"'
        : 'margins need a Stripe key',
    next: mode === 'stand-in' ? 'saasctl config show --origin' : `export STRIPE_API_KEY=sk_${mode}_…`,
  });

/** Said of checks by the flags that asked for them, before anything is asked that costs money. */
export const checkedByTenant = (flags: readonly string[], other: readonly string[]): SaasctlError =>
  usageError('checked_by_tenant', `--by feature: ${flags.join(' and ')} cannot be checked with it`, {
    hint: 'by feature Cost Explorer gives less detail, and tenants other amounts: checks are made by tenant',
    next: ['saasctl cost report', ...other, ...flags].join(' '),
  });

type Suspect = Pick<CostRow<Cents>, 'tenantId' | 'margin'> & { month: string; source: string };

/** For cron: exit code 8 where a tenant costs more than it brings, or that cannot be told. `reports` are by tenant. */
export function checkMargins(reports: Iterable<StreamedReport>, tag: string | undefined): void {
  const losing: Suspect[] = [];
  const open: Suspect[] = [];
  for (const { month, source, rowsInCents } of reports) {
    for (const { tenantId, margin } of rowsInCents) {
      if (tenantId === UNALLOCATED) continue;
      if (margin === null) open.push({ month, source, tenantId, margin });
      else if (margin.minor < 0) losing.push({ month, source, tenantId, margin });
    }
  }
  const [first] = losing.length > 0 ? losing : open;
  if (first === undefined) return;
  const bill = ofBill(first.month, first.source, tag);
  const said = (list: readonly Suspect[]): string =>
    list
      .slice(0, 5)
      .map(
        ({ month, tenantId, margin }) =>
          `${tenantId} in ${month}${margin === null ? '' : ` (${moneyText(margin)})`}`,
      )
      .join(', ') + (list.length > 5 ? ` and ${list.length - 5} more` : '');
  if (losing.length > 0) {
    throw new SaasctlError({
      code: 'negative_margin',
      category: 'pending',
      message: `cost more than they bring: ${said(losing)}`,
      hint: 'revenue is net of tax, refunds and fees',
      next: `saasctl cost advise ${bill}`,
    });
  }
  throw new SaasctlError({
    code: 'margin_unknown',
    category: 'pending',
    message: `the margin is not known of ${said(open)}: they pay in another currency than the bill’s`,
    hint: 'amounts of two currencies are never subtracted',
    next: `saasctl cost report ${bill} -o json`,
  });
}
