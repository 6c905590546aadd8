import { stringify } from 'csv-stringify/sync';
import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import type { Cell, Result } from '../result.ts';
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
  await io.out(lineOf(columns, ({ header }) => header));
  const line = (item: T): string => lineOf(columns, (column) => column.value(item));
  if (result.kind === 'one') return io.out(line(result.item));
  await writeLines(result.items, (items) => items.map(line).join(''), io);
}

/** Neither quotes nor an apostrophe are needed, nor anything made visible: names and dates, as most texts are. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9 ._:/-]*$/;

function lineOf<C>(columns: readonly C[], cellOf: (column: C) => Cell): string {
  let line = '';
  for (let at = 0; at < columns.length; at++) {
    const cell = cellOf(columns[at] as C);
    const isPlain =
      typeof cell === 'number' || cell === null || (typeof cell === 'string' && PLAIN.test(cell));
    if (!isPlain) return quoted(columns.map(cellOf));
    line += `${at === 0 ? '' : ','}${cell ?? ''}`;
  }
  return `${line}\n`;
}

function quoted(cells: readonly Cell[]): string {
  const seen = cells.map((cell) => (typeof cell === 'string' ? visible(cell) : cell));
  return stringify([seen], { escape_formulas: true, cast: { boolean: String } });
}
