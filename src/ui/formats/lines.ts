import type { Io } from '../io.ts';

/** Items of a list that is there already are written so many at a time: each write waits for the reader. */
const AT_ONCE = 500;

/**
 * Writes a list as text, `textOf` some items of it. What still arrives while it is written is shown item by item.
 * Ends with its reader. Returns whether there was anything.
 */
export async function writeLines<T>(
  items: AsyncIterable<T> | Iterable<T>,
  textOf: (some: readonly T[]) => string,
  io: Io,
): Promise<boolean> {
  let any = false;
  for await (const some of Symbol.iterator in items ? pieces(items) : ones(items)) {
    any = true;
    await io.out(textOf(some));
    if (io.closed) break;
  }
  return any;
}

function* pieces<T>(items: Iterable<T>): Generator<T[]> {
  let some: T[] = [];
  for (const item of items) {
    if (some.push(item) < AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function* ones<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  for await (const item of items) yield [item];
}
