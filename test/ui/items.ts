import { type Format, type RenderOptions, render } from '../../src/ui/output.ts';
import { type Paint, paintFor } from '../../src/ui/paint.ts';
import type { ListResult, OneResult, Result } from '../../src/ui/result.ts';
import { type TestIo, testIo } from '../../src/ui/test-io.ts';

/** A small resource, and what the formats make of it. */
export interface Item {
  id: string;
  name: string | null;
  calls: number | null;
}

const columns: OneResult<Item>['fields'] = [
  { header: 'ID', value: ({ id }) => id },
  { header: 'NAME', value: ({ name }) => name, paint: (text, _item, paint) => paint.green(text) },
  { header: 'CALLS', value: ({ calls }) => calls },
];

export const acme: Item = { id: 'acme', name: 'Acme Inc', calls: 12 };
export const globex: Item = { id: 'globex', name: null, calls: null };

export const one = (item: Item): OneResult<Item> => ({ kind: 'one', item, id: item.id, fields: columns });

export function list(
  items: Iterable<Item> | AsyncIterable<Item>,
  more: Partial<Pick<ListResult<Item>, 'next' | 'empty'>> = {},
): ListResult<Item> {
  async function* each(): AsyncGenerator<Item> {
    yield* items;
  }
  return { kind: 'list', items: each(), next: () => null, id: ({ id }) => id, columns, ...more };
}

/** What a result looks like on a terminal (`tty`) or in a pipe. */
export async function rendered<T>(
  result: Result<T>,
  format: Format,
  options: { io?: TestIo; paint?: Paint } & Omit<RenderOptions, 'format'> = {},
): Promise<{ stdout: string; stderr: string }> {
  const { io = testIo(), paint = paintFor('stdout', io, { flag: false }), ...more } = options;
  await render(result, { format, ...more }, io, paint);
  return { stdout: io.stdout(), stderr: io.stderr() };
}
