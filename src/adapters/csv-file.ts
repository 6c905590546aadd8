import { constants } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { addDecimals, type Decimal, parseDecimal, rescaled, ZERO } from '../core/decimal.ts';

const HEADER = 'id,tenant,metric,day,value,unit,timestamp';
const END = '\r\n';
const CHUNK = 1024 * 1024;

/** The file begins with something else than our header: it is somebody else's. */
export class ForeignFile extends Error {}

export interface CsvFile {
  /**
   * Reads what was added since, also by others; makes no file, but its folder must be there and ours to write. Throws
   * the system's errors, and `ForeignFile`.
   */
  catchUp(): Promise<void>;
  /** Whether an id is in the file. About 100 bytes of memory a line. */
  has(id: string): boolean;
  /** What the file says in all of a metric on a day, in 10^-scale units; `null`: more than a number can hold. */
  total(tenantId: string, metric: string, day: string, scale: number): number | null;
  /**
   * Adds whole lines and waits until they are on the disk. For those alone who hold the lock: what is cut off at the
   * end is removed first. Where it fails, what was written is taken back; where that fails too, the error is `uncertain`.
   */
  append(lines: readonly (readonly string[])[]): Promise<void>;
  close(): Promise<void>;
}

export function csvFile(path: string): CsvFile {
  const ids = new Set<string>();
  const sums = new Map<string, Decimal>();
  let file: FileHandle | null = null;
  /** Bytes of whole lines that have been read. */
  let read = 0;

  function take(line: string): void {
    // No comma can be in these: the first that may be quoted is the unit.
    const [id = '', tenantId = '', metric = '', day = '', value = ''] = line.split(',', 5);
    const amount = parseDecimal(value);
    if (amount === null) return;
    ids.add(id);
    const key = `${tenantId} ${metric} ${day}`;
    sums.set(key, addDecimals(sums.get(key) ?? ZERO, amount));
  }

  /** Somebody made the file shorter: what it says is what counts. */
  function forget(): void {
    ids.clear();
    sums.clear();
    read = 0;
  }

  async function catchUp(): Promise<void> {
    file ??= await existing(path);
    if (file === null) return access(dirname(path), constants.W_OK);
    if ((await file.stat()).size < read) forget();
    for (let { size } = await file.stat(); read < size; { size } = await file.stat()) {
      const chunk = Buffer.allocUnsafe(Math.min(size - read, CHUNK));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, read);
      const text = chunk.toString('latin1', 0, bytesRead);
      if (read === 0 && !`${HEADER}${END}`.startsWith(text.slice(0, HEADER.length + END.length))) {
        throw new ForeignFile(`${path} does not begin with ${HEADER}`);
      }
      const end = text.lastIndexOf(END);
      if (end < 0) return;
      const whole = chunk.toString('utf8', 0, end).split(END);
      for (const line of read === 0 ? whole.slice(1) : whole) take(line);
      read += end + END.length;
    }
  }

  return {
    catchUp,
    has: (id) => ids.has(id),
    total(tenantId, metric, day, scale) {
      const total = rescaled(sums.get(`${tenantId} ${metric} ${day}`) ?? ZERO, scale);
      return total === null || total > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(total);
    },
    async append(lines) {
      if (file === null) {
        file = await open(path, 'a+', 0o600);
        // Made by somebody else meanwhile, it is theirs.
        await catchUp();
      }
      if ((await file.stat()).size > read) await file.truncate(read);
      const rows = lines.map((fields) => fields.map(quoted).join(','));
      const all = read === 0 ? [HEADER, ...rows] : rows;
      if (all.length === 0) return;
      try {
        await file.writeFile(all.map((row) => `${row}${END}`).join(''));
        await file.datasync();
        if (read === 0) await syncFolder(dirname(path));
      } catch (error) {
        const isGone = await file.truncate(read).then(
          () => true,
          () => false,
        );
        throw Object.assign(error as Error, { uncertain: !isGone });
      }
      // In the file's own words, so that what we know is what it says.
      await catchUp();
    },
    async close() {
      await file?.close();
      file = null;
    },
  };
}

/** To be read and added to; `null`: there is none. */
function existing(path: string): Promise<FileHandle | null> {
  return open(path, constants.O_RDWR | constants.O_APPEND).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

/** A new file's name is on the disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

/** RFC 4180: in quotes where it holds a separator, quotes doubled. */
const quoted = (field: string): string =>
  /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
