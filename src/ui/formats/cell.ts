import type { Io } from '../io.ts';
import type { Cell } from '../result.ts';
import { visible, visibleText } from '../visible.ts';

/** A value in a table: one line, nothing a terminal would obey; null is `-`. */
export function cellText(value: Cell): string {
  return value === null ? '-' : visible(String(value));
}

/** Prose as it was laid out, ending in one line end. */
export function writeText(text: string, io: Io): Promise<void> {
  return io.out(`${visibleText(text).trimEnd()}\n`);
}
