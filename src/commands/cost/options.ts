import { resolve } from 'node:path';
import type { Config } from '../../config/load.ts';
import { type Decimal, parseDecimal } from '../../core/decimal.ts';
import { usageError } from '../../core/errors.ts';
import { monthOf, parseMonth } from '../../core/time.ts';

/** Cost Explorer's history, and what one look can take in. */
const MOST_MONTHS = 36;

/** The months to report on, ascending: `count` of them up to `month`. Throws for one that has not begun. */
export function chosenMonths(
  { month, months: count = '1' }: { month: string; months?: string | undefined },
  now: number,
): string[] {
  const last = parseMonth(month, now);
  if (last > monthOf(now)) {
    throw usageError('month_in_future', `--month: ${last} has not begun`, {
      hint: `it is ${monthOf(now)} in UTC; what a month may cost is what the estimate is for`,
      next: 'saasctl cost estimate',
    });
  }
  if (!/^[1-9]\d?$/.test(count) || Number(count) > MOST_MONTHS) {
    throw usageError('bad_months', `--months: '${count}' is not a number of months`, {
      hint: `it is a whole number from 1 to ${MOST_MONTHS}, counted back from --month`,
    });
  }
  const [year = 0, number = 0] = last.split('-').map(Number);
  return Array.from({ length: Number(count) }, (_, i) =>
    monthOf(Date.UTC(year, number - 1 - (Number(count) - 1 - i), 1)),
  );
}

const PERCENT = /^(100|\d{1,2}(?:\.\d{1,4})?)%$/;

/** `5%` or `0.5%`. */
export function parsePercent(text: string, flag: string): Decimal {
  const percent = parseDecimal(PERCENT.exec(text)?.[1] ?? '');
  if (percent !== null) return percent;
  throw usageError('bad_percent', `${flag}: '${text}' is not a share of the bill`, {
    hint: 'a share is such as 5% or 0.5%, at most 100%',
  });
}

/**
 * Where bills come from: the flag, the project file, then what fits the profile. The path of FOCUS files is made
 * absolute: from `cwd` as typed, from the project file's folder as written there.
 */
export function chosenSource(
  flag: string | undefined,
  { project, isLocal, profileName, dir }: Config,
  cwd: string,
): string {
  const source = flag ?? project.cost.source ?? (isLocal ? 'sample' : 'ce');
  if (/^focus:./.test(source)) {
    return `focus:${resolve(flag === undefined ? dir : cwd, source.slice('focus:'.length))}`;
  }
  if (source !== 'ce' && source !== 'sample') {
    throw usageError('bad_source', `--source: '${source}' is not a source of bills`, {
      hint: 'it is ce (Cost Explorer), focus:<file or folder of FOCUS exports>, or sample on the profile local',
      next: 'saasctl cost report --help',
    });
  }
  if (source === 'sample' && !isLocal) {
    throw usageError('sample_is_local', `the sample bill is not a bill of the profile ${profileName}`, {
      hint: 'the sample is for the profile local alone, so that nobody takes it for their own',
      next: `saasctl cost report --profile ${profileName} --source ce`,
    });
  }
  if (source === 'ce' && isLocal) {
    throw usageError('no_account', 'the profile local has no AWS account, and so no Cost Explorer', {
      hint: 'it takes the sample bill, or FOCUS files by --source focus:<path>',
      next: 'saasctl cost report --source sample',
    });
  }
  return source;
}
