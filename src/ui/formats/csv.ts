import { stringify } from 'csv-stringify/sync';
import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import type { Cell, Column, Result } from '../result.ts';
import { visible } from '../visible.ts';
import { writeText } from './cell.ts';
import { writeLines } from './lines.ts';

/**
 * A header and a line an item (RFC 4180); null is empty. A text that a spreadsheet would run as a formula
 * gets an apostrophe before it.
 */
export async function renderCsv<T>(result: Result<T>, io: Io, _paint: Paint): Promise<void> {
  if (result.kind === 'text') return writeText(result.text, io);
  const columns = result.kind === 'one' ? result.fields : result.columns;
  await io.out(csvText([columns.map(({ header }) => header)]));
  if (result.kind === 'one') return io.out(csvText([cellsOf(result.fields, result.item)]));
  const lines = (items: readonly T[]): string => csvText(items.map((item) => cellsOf(result.columns, item)));
  await writeLines(result.items, lines, io);
}

function cellsOf<T>(columns: readonly Column<T>[], item: T): Cell[] {
  return columns.map((column) => {
    const value = column.value(item);
    return typeof value === 'string' ? visible(value) : value;
  });
}

/** Neither quotes nor an apostrophe are needed: numbers, names and dates, as most cells are. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9 ._:/-]*$/;
const isPlain = (cell: Cell): boolean =>
  typeof cell === 'number' || cell === null || (typeof cell === 'string' && PLAIN.test(cell));

function csvText(lines: readonly Cell[][]): string {
  if (lines.every((cells) => cells.every(isPlain)))
    return lines.map((cells) => `${cells.join(',')}\n`).join('');
  return stringify([...lines], { escape_formulas: true, cast: { boolean: String } });
}
