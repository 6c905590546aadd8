import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What a kept answer is of: every field is in the file's name (as a hash) and in the file, and both must agree. */
export type Subject = Readonly<Record<string, string>> & { readonly month: string };

export interface Kept<T> {
  value: T;
  /** Epoch ms. */
  at: number;
}

export interface KeptFiles {
  /** `null`: not there, cut short, damaged or of something else, all but the first of which is said. */
  read<T>(prefix: string, subject: Subject): Promise<Kept<T> | null>;
  write<T>(prefix: string, subject: Subject, value: T): Promise<void>;
  /** What was found and not used, or could not be kept. */
  notes(): readonly string[];
}

const FORMAT = 2;

/**
 * Answers kept as files of one folder: two lines, what it is of with the hash of the other, and the value as JSON. A
 * file is written aside and renamed. `now`: epoch ms.
 */
export function keptFiles(folder: string, now: () => number): KeptFiles {
  const said: string[] = [];
  const fileOf = (prefix: string, subject: Subject): string =>
    join(folder, `${prefix}-${hashOf(JSON.stringify(fields(subject))).slice(0, 16)}.json`);
  return {
    async read<T>(prefix: string, subject: Subject) {
      const file = fileOf(prefix, subject);
      const text = await readFile(file, 'utf8').catch(() => null);
      if (text === null) return null;
      const found = parsed<T>(text);
      if (found === null) {
        said.push(`${file} is damaged: ${subject.month} was asked for again`);
        return null;
      }
      const other = fields(subject).find(([name, value]) => found.subject[name] !== value);
      if (other !== undefined) {
        const [name, value] = other;
        said.push(
          `${file} is of ${name} ${found.subject[name]}, not ${value}: ${subject.month} was asked for again`,
        );
        return null;
      }
      return { value: found.value, at: found.at };
    },
    async write(prefix, subject, value) {
      const file = fileOf(prefix, subject);
      const draft = `${file}.${randomUUID()}.tmp`;
      const body = JSON.stringify(value);
      const head = JSON.stringify({ format: FORMAT, subject, at: now(), sha256: hashOf(body) });
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeWhole(draft, `${head}\n${body}`);
        await rename(draft, file);
      } catch (error) {
        await rm(draft, { force: true }).catch(() => {});
        // The answer is there: a folder that cannot be written costs the next run what this one cost.
        said.push(`cannot keep ${subject.month} in ${folder}: ${(error as NodeJS.ErrnoException).code}`);
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

/** `null` unless every byte is as it was written. */
function parsed<T>(text: string): (Kept<T> & { subject: Subject }) | null {
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  try {
    const { format, subject, at, sha256 } = JSON.parse(text.slice(0, end));
    if (format !== FORMAT || sha256 !== hashOf(body)) return null;
    return { subject, at, value: JSON.parse(body) as T };
  } catch {
    return null;
  }
}

const fields = (subject: Subject): [string, string][] =>
  Object.entries(subject).sort(([a], [b]) => (a < b ? -1 : 1));

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** How long an answer holds of a month that may still change, ms: cost data changes up to three times a day. */
export const OPEN_MS = 6 * 3_600_000;
