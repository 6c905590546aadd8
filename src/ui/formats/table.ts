import Table from 'cli-table3';
import { drawsUnicode } from '../bar.ts';
import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import type { Column, ListResult, OneResult, Result } from '../result.ts';
import { displayWidth, endWithin, fitColumns } from '../width.ts';
import { cellText, writeText } from './cell.ts';

/** Rows that are laid out together: what is held of a long list. */
const CHUNK = 100;
const GAP = '  ';

/** A table for eyes: fitted to the terminal, coloured. One resource is a line a field, always whole. */
export async function renderTable<T>(result: Result<T>, io: Io, paint: Paint): Promise<void> {
  if (result.kind === 'text') await writeText(result.text, io);
  else if (result.kind === 'one') await io.out(fieldLines(result, paint));
  else await writeList(result, io, paint);
}

function fieldLines<T>({ fields, item }: OneResult<T>, paint: Paint): string {
  const width = Math.max(0, ...fields.map(({ header }) => displayWidth(header)));
  return fields
    .map((field) => {
      const name = field.header + ' '.repeat(width - displayWidth(field.header));
      return `${paint.dim(name)}${GAP}${paintedCell(field, item, paint)}\n`;
    })
    .join('');
}

async function writeList<T>(result: ListResult<T>, io: Io, paint: Paint): Promise<void> {
  const { columns, items, empty } = result;
  let widths = columns.map(({ header }) => displayWidth(header));
  let head: string[] | null = columns.map(({ header }) => paint.bold(header));
  let chunk: T[] = [];
  const flush = async (): Promise<void> => {
    widths = widths.map((width, i) => Math.max(width, ...chunk.map((item) => cellWidth(columns[i], item))));
    await io.out(layOut(chunk, columns, head, widths, io, paint));
    head = null;
    chunk = [];
  };
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length === CHUNK) await flush();
    if (io.closed) return;
  }
  if (chunk.length > 0) await flush();
  if (head !== null && empty !== undefined) io.err(`${empty}\n`);
}

// The table draws no lines and colours nothing: it would do so in pipes and under NO_COLOR too.
const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((place) => [place, '']),
);

function layOut<T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  head: string[] | null,
  natural: readonly number[],
  io: Io,
  paint: Paint,
): string {
  const series = columns.findIndex(({ keepsEnd }) => keepsEnd);
  const widths = fitColumns(natural, io.columns - GAP.length * (columns.length - 1), series);
  const cut = drawsUnicode(io.env) ? '…' : '~';
  const table = new Table({
    ...(head === null ? {} : { head }),
    chars: { ...NO_LINES, middle: GAP },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: widths,
    colAligns: columns.map(
      (column) => column.align ?? (items.every((item) => isNumeric(column, item)) ? 'right' : 'left'),
    ),
    truncate: cut,
  });
  const fitted = (column: Column<T>, at: number) => (text: string) =>
    column.keepsEnd ? endWithin(text, widths[at] ?? 0, cut) : text;
  for (const item of items)
    table.push(columns.map((column, at) => paintedCell(column, item, paint, fitted(column, at))));
  return `${table.toString().replace(/ +$/gm, '')}\n`;
}

function isNumeric<T>(column: Column<T>, item: T): boolean {
  const value = column.value(item);
  return value === null || typeof value === 'number';
}

function cellWidth<T>(column: Column<T> | undefined, item: T): number {
  return column === undefined ? 0 : displayWidth(cellText(column.value(item)));
}

function paintedCell<T>(
  column: Column<T>,
  item: T,
  paint: Paint,
  fitted = (text: string): string => text,
): string {
  const text = fitted(cellText(column.value(item)));
  return column.paint === undefined ? text : column.paint(text, item, paint);
}
