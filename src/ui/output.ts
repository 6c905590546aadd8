import type { Io } from './io.ts';
import type { Paint } from './paint.ts';
import { compileQuery, printable } from './query.ts';
import { documentOf, type Result } from './result.ts';
import { visible } from './visible.ts';

export type Renderer = <T>(result: Result<T>, io: Io, paint: Paint) => Promise<void>;

// Each format is loaded when it is asked for: a table pays nothing for YAML.
const renderers = {
  table: async (io: Io): Promise<Renderer> =>
    io.stdoutIsTTY
      ? (await import('./formats/table.ts')).renderTable
      : (await import('./formats/tsv.ts')).renderTsv,
  json: async (): Promise<Renderer> => (await import('./formats/json.ts')).renderJson,
  csv: async (): Promise<Renderer> => (await import('./formats/csv.ts')).renderCsv,
  yaml: async (): Promise<Renderer> => (await import('./formats/yaml.ts')).renderYaml,
  id: async (): Promise<Renderer> => (await import('./formats/id.ts')).renderId,
};

export type Format = keyof typeof renderers;
export const FORMATS = Object.keys(renderers) as readonly Format[];

export interface RenderOptions {
  format: Format;
  /** JMESPath over the whole JSON document. */
  query?: string | undefined;
  /** Print nothing. */
  quiet?: boolean | undefined;
}

/**
 * Writes a command's result to stdout; hints that belong to it go to stderr. `paint` is that of stdout.
 *
 * With a query the answer is JSON, YAML with `-o yaml`; with any other format but `-o json` an answer that is a
 * string is printed bare, as `jq -r` does. A query holds a list whole. A quiet list is still read to its end,
 * since reading may be what does the work.
 */
export async function render<T>(
  result: Result<T>,
  options: RenderOptions,
  io: Io,
  paint: Paint,
): Promise<void> {
  const { format, query, quiet = false } = options;
  if (quiet) {
    await drain(result);
    return;
  }
  if (query === undefined) {
    const renderer = await renderers[format](io);
    await renderer(result, io, paint);
    if (format !== 'json' && format !== 'yaml') sayNext(result, io);
  } else {
    const apply = await compileQuery(query);
    await io.out(await printable(apply(await documentOf(result)), format, io));
  }
  // A reader of JSON errors takes each line of stderr for one.
  if (result.kind === 'one' && result.secret !== undefined && format !== 'json') {
    io.err(`${result.secret} is shown this once: store it now\n`);
  }
}

/** Reads a list to its end and keeps nothing. */
async function drain<T>(result: Result<T>): Promise<void> {
  if (result.kind !== 'list') return;
  for await (const _ of result.items);
}

/** Tables, CSV and ids have no place for where a list goes on. */
function sayNext<T>(result: Result<T>, io: Io): void {
  if (result.kind !== 'list' || io.closed) return;
  const next = result.next?.() ?? null;
  if (next !== null) io.err(`there are more: --after ${visible(next)}\n`);
}
