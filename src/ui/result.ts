import type { Paint } from './paint.ts';

export type Cell = string | number | boolean | null;

/** One column of a list, or one line of a single resource. Tables and CSV show these; JSON the item whole. */
export interface Column<T> {
  header: string;
  value(item: T): Cell;
  /** Texts that are numbers, such as money. Numbers stand on the right anyway. */
  align?: 'right';
  /** Colours the cell on a terminal. */
  paint?(text: string, item: T, paint: Paint): string;
  /** A series: where a terminal has no room it gives way first, and leaves out its beginning, not its newest. */
  keepsEnd?: boolean;
}

/** One resource. */
export interface OneResult<T> {
  kind: 'one';
  item: T;
  id: string;
  fields: Column<T>[];
  /** Name of the field that holds a secret shown this once. */
  secret?: string;
}

/** A list that is read as it is written: no format but a `--query` holds it whole. */
export interface ListResult<T> {
  kind: 'list';
  items: AsyncIterable<T> | Iterable<T>;
  /** What `--after` continues from, or null at the end. Asked after the last item; absent where the list is whole. */
  next?(): string | null;
  id(item: T): string;
  columns: Column<T>[];
  /** Said on stderr in place of an empty table. */
  empty?: string;
}

/** Prose with the data behind it, such as a help topic. */
export interface TextResult {
  kind: 'text';
  text: string;
  data: unknown;
}

export type Result<T> = OneResult<T> | ListResult<T> | TextResult;

/** The JSON document that scripts read: a resource bare, a list as `{items, next}`. Holds a list whole. */
export async function documentOf<T>(result: Result<T>): Promise<unknown> {
  if (result.kind === 'one') return result.item;
  if (result.kind === 'text') return result.data;
  const items: T[] = [];
  for await (const item of result.items) items.push(item);
  return { items, next: result.next?.() ?? null };
}
