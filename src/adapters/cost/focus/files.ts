import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { SaasctlError } from '../../../core/errors.ts';
import { shellWord } from '../../../core/shell-word.ts';

const CSV = /\.(csv|gz)$/i;
const GZ = /\.gz$/i;
/** Rows in a format that is not read: a bill may be short of them. */
const UNREAD = /\.(parquet|zip|zst|bz2|xz)$/i;
/** How AWS names the folder of a month; what is below it is one version of the export each. */
const PERIOD = /^(.*BILLING_PERIOD=\d{4}-\d\d)\/([^/]+)\/[^/]+$/;

/**
 * The file, or all CSV files below a folder, and what else there may be rows in. Throws category config where there
 * is none, where something would be counted twice (a file both plain and gzip, two versions of a month), and where
 * something would be left out: a folder behind a link.
 */
export async function focusFiles(path: string): Promise<{ files: string[]; unread: string[] }> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw refused(
      'focus_not_found',
      `cannot read ${path}: ${error.code}`,
      'a FOCUS file, or a folder of them',
    );
  });
  if (!found.isDirectory()) return { files: [path], unread: [] };
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const all = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  await checkLinks(
    path,
    entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name)),
  );
  const files = all.filter((file) => CSV.test(file));
  if (files.length === 0)
    throw refused(
      'focus_not_found',
      `${path} holds no .csv or .gz file`,
      'FOCUS files are CSV, plain or gzip',
    );
  checkTwins(path, files);
  checkVersions(path, files);
  return { files: await distinct(files), unread: all.filter((file) => UNREAD.test(file)) };
}

/** A file and links to it have the same rows: it is read once. */
async function distinct(files: readonly string[]): Promise<string[]> {
  const first = new Map<string, string>();
  for (const file of files) {
    const real = await realpath(file).catch(() => file);
    if (!first.has(real)) first.set(real, file);
  }
  return [...first.values()];
}

/** Files are read through links; folders are not, which might go round in circles, unless they are read anyway. */
async function checkLinks(path: string, links: readonly string[]): Promise<void> {
  const root = await realpath(path);
  for (const link of links) {
    const target = await stat(link).catch(() => null);
    if (target?.isDirectory() !== true || (await realpath(link)).startsWith(`${root}${sep}`)) continue;
    throw refused(
      'focus_link',
      `${path} holds a link to a folder: ${relative(path, link)}`,
      'what is in it would be left out: put it there itself, or name it alone',
      `saasctl cost report --source ${shellWord(`focus:${link}`)}`,
    );
  }
}

/** What was unpacked beside its gzip file has the same rows. */
function checkTwins(path: string, files: readonly string[]): void {
  const all = new Set(files);
  const packed = files.find((file) => GZ.test(file) && all.has(file.replace(GZ, '')));
  if (packed === undefined) return;
  const plain = packed.replace(GZ, '');
  throw refused(
    'focus_twice',
    `${path} holds ${relative(path, plain)} and ${relative(path, packed)}`,
    'together they would count their rows twice: take one of them away',
    `mv ${shellWord(plain)} ${shellWord(`${plain}.aside`)}`,
  );
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
    const newest = join(path, period, [...names].sort().at(-1) ?? '');
    throw refused(
      'focus_versions',
      `${join(path, period)} holds ${names.size} versions of one month`,
      `together they would count it ${names.size} times: name the newest one alone`,
      `saasctl cost report --source ${shellWord(`focus:${newest}`)}`,
    );
  }
}

const refused = (
  code: string,
  message: string,
  hint: string,
  next = 'saasctl cost report --source focus:<path>',
) => new SaasctlError({ code, category: 'config', message, hint, next });
