import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { SaasctlError } from '../../../core/errors.ts';

const CSV = /\.(csv|gz)$/i;
/** How AWS names the folder of a month; what is below it is one version of the export each. */
const PERIOD = /^(.*BILLING_PERIOD=\d{4}-\d\d)\/([^/]+)\/[^/]+$/;

/** The file, or all CSV files below a folder. Throws category config where there is none, or two versions of a month. */
export async function focusFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw refused(
      'focus_not_found',
      `cannot read ${path}: ${error.code}`,
      'a FOCUS file, or a folder of them',
    );
  });
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && CSV.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (files.length === 0)
    throw refused(
      'focus_not_found',
      `${path} holds no .csv or .gz file`,
      'FOCUS files are CSV, plain or gzip',
    );
  checkVersions(path, files);
  return files;
}

/** An export that keeps its older versions would be counted several times. */
function checkVersions(path: string, files: readonly string[]): void {
  const versions = new Map<string, Set<string>>();
  for (const file of files) {
    const [, period, version] = PERIOD.exec(relative(path, file)) ?? [];
    if (period === undefined || version === undefined) continue;
    versions.set(period, (versions.get(period) ?? new Set()).add(version));
  }
  for (const [period, names] of versions) {
    if (names.size < 2) continue;
    throw refused(
      'focus_versions',
      `${join(path, period)} holds ${names.size} versions of one month`,
      `together they would count it ${names.size} times: name the newest one alone`,
      `saasctl cost report --source focus:${join(path, period, [...names].sort().at(-1) ?? '')}`,
    );
  }
}

const refused = (
  code: string,
  message: string,
  hint: string,
  next = 'saasctl cost report --source focus:<path>',
) => new SaasctlError({ code, category: 'config', message, hint, next });
