import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import type { Result } from '../result.ts';
import { cellText, writeText } from './cell.ts';
import { writeLines } from './lines.ts';

/** A table for pipes: tab-separated, whole values, a header line for lists, no borders, no colour. */
export async function renderTsv<T>(result: Result<T>, io: Io, _paint: Paint): Promise<void> {
  if (result.kind === 'text') return writeText(result.text, io);
  if (result.kind === 'one') {
    const { fields, item } = result;
    return io.out(fields.map((field) => `${field.header}\t${cellText(field.value(item))}\n`).join(''));
  }
  const { columns } = result;
  await io.out(`${columns.map(({ header }) => header).join('\t')}\n`);
  const line = (item: T): string => `${columns.map((column) => cellText(column.value(item))).join('\t')}\n`;
  const any = await writeLines(result.items, (items) => items.map(line).join(''), io);
  if (!any && result.empty !== undefined) io.err(`${result.empty}\n`);
}
