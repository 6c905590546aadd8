import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import type { Result } from '../result.ts';
import { visible } from '../visible.ts';
import { writeText } from './cell.ts';
import { writeLines } from './lines.ts';

/** Ids and nothing else, one a line: what the next command takes. */
export async function renderId<T>(result: Result<T>, io: Io, _paint: Paint): Promise<void> {
  if (result.kind === 'text') return writeText(result.text, io);
  if (result.kind === 'one') return io.out(`${visible(result.id)}\n`);
  const line = (item: T): string => `${visible(result.id(item))}\n`;
  await writeLines(result.items, (items) => items.map(line).join(''), io);
}
