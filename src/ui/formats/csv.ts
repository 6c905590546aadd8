import { stringify } from 'csv-stringify/sync';
import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import type { Cell, Column, Result } from '../result.ts';
import { visible } from '../visible.ts';
import { writeText } from './cell.ts';

/**
 * A header and a line an item (RFC 4180); null is empty. A text that a spreadsheet would run as a formula
 * gets an apostrophe before it.
 */
export async function renderCsv<T>(result: Result<T>, io: Io, _paint: Paint): Promise<void> {
  if (result.kind === 'text') return writeText(result.text, io);
  const columns = result.kind === 'one' ? result.fields : result.columns;
  await io.out(csvLine(columns.map(({ header }) => header)));
  if (result.kind === 'one') return io.out(csvLine(cellsOf(columns, result.item)));
  for await (const item of result.items) {
    await io.out(csvLine(cellsOf(columns, item)));
    if (io.closed) return;
  }
}

function cellsOf<T>(columns: readonly Column<T>[], item: T): Cell[] {
  return columns.map((column) => {
    const value = column.value(item);
    return typeof value === 'string' ? visible(value) : value;
  });
}

function csvLine(cells: readonly Cell[]): string {
  return stringify([[...cells]], { escape_formulas: true, cast: { boolean: String } });
}
