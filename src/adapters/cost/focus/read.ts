import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { SaasctlError } from '../../../core/errors.ts';
import { type Columns, columnsOf } from './columns.ts';
import { BadRow } from './months.ts';

/** A quote that is never closed takes in all that follows; no row of a bill is a tenth as long, in bytes. */
const LONGEST_ROW = 1024 * 1024;

/** Hands over every row of a CSV file, plain or gzip, without ever holding more than a few of them. */
export async function readRows(
  file: string,
  each: (row: readonly string[], columns: Columns) => void,
): Promise<void> {
  let columns: Columns | null = null;
  let rows = 1;
  const csv = parse({
    bom: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_ROW,
    on_record(row: string[]) {
      if (columns === null) columns = columnsOf(row, file);
      else {
        rows++;
        try {
          each(row, columns);
        } catch (error) {
          throw error instanceof BadRow ? badRow(file, rows, error.message) : error;
        }
      }
      // Nothing goes on down the stream.
      return null;
    },
  });
  const nowhere = new Writable({ objectMode: true, write: (_row, _encoding, done) => done() });
  try {
    const isPacked = await isGzip(file);
    const bytes = createReadStream(file, { highWaterMark: 256 * 1024 });
    if (isPacked) await pipeline(bytes, createGunzip({ chunkSize: 256 * 1024 }), csv, nowhere);
    else await pipeline(bytes, csv, nowhere);
  } catch (error) {
    throw readError(file, rows, error as Error & { code?: string });
  }
  if (columns === null)
    throw unreadable('focus_empty', `${file} is empty`, 'a FOCUS file has at least a header');
}

/** By its first bytes: names lie. */
async function isGzip(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (bytesRead === 4 && buffer.toString('latin1') === 'PAR1') {
      throw unreadable(
        'focus_parquet',
        `${file} is Parquet`,
        'FOCUS files are read as CSV, plain or gzip: choose text/csv with gzip in the data export',
      );
    }
    return bytesRead >= 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

const badRow = (file: string, row: number, why: string): SaasctlError =>
  unreadable(
    'focus_row',
    `${file}, row ${row}: ${why}`,
    'nothing was reported: a bill without a row is not the bill',
  );

function readError(file: string, row: number, error: Error & { code?: string }): Error {
  if (error instanceof SaasctlError) return error;
  const { code = '' } = error;
  if (code === 'Z_BUF_ERROR' || code === 'CSV_QUOTE_NOT_CLOSED') {
    return unreadable(
      'focus_cut_short',
      `${file} ends in the middle${code === 'Z_BUF_ERROR' ? ' of its gzip data' : ' of a row'}`,
      'it was not written or copied whole: bring it again',
    );
  }
  if (code.startsWith('Z_'))
    return unreadable('focus_gzip', `${file} is damaged gzip: ${error.message}`, 'bring it again');
  if (code === 'CSV_MAX_RECORD_SIZE')
    return badRow(file, row + 1, 'it is longer than 1 MiB: a quote may not be closed');
  if (code.startsWith('CSV_')) return badRow(file, row + 1, error.message);
  return unreadable(
    'focus_unreadable',
    `cannot read ${file}: ${code || error.message}`,
    'nothing was reported',
  );
}

const unreadable = (code: string, message: string, hint: string): SaasctlError =>
  new SaasctlError({
    code,
    category: 'config',
    message,
    hint,
    next: 'saasctl cost report --source focus:<path>',
  });
