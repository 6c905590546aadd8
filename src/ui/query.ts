import { usageError } from '../core/errors.ts';
import type { Io } from './io.ts';
import type { Format } from './output.ts';

/** A JMESPath expression, ready to be applied to JSON documents. */
export type Query = (document: unknown) => unknown;

/**
 * Compiles a `--query`. Call it before anything is done, so that a wrong expression changes nothing.
 * Throws a usage error `bad_query`, and the query it returns does so where a function gets a wrong type.
 */
export async function compileQuery(expression: string): Promise<Query> {
  const { compileKnown, TreeInterpreter } = await import('./jmespath.ts');
  const attempt = <R>(run: () => R): R => {
    try {
      return run();
    } catch (cause) {
      throw usageError('bad_query', `--query: ${JSON.stringify(expression)} cannot be used`, {
        hint: `${(cause as Error).message}; it is a JMESPath expression, such as 'items[].id' or 'length(items)'`,
        next: 'see https://jmespath.org/tutorial.html',
      });
    }
  };
  const tree = attempt(() => compileKnown(expression));
  return (document) => attempt(() => TreeInterpreter.search(tree, toJson(document)));
}

/**
 * Whether a query keeps the value of `field` of an item shaped like `sample`: what must be asked before a
 * secret is made that only this output would ever show.
 */
export function queryKeeps(query: Query, sample: object, field: string): boolean {
  const marker = 'a-secret-that-nothing-else-equals';
  return JSON.stringify(query({ ...sample, [field]: marker }) ?? null).includes(marker);
}

/** An answer as text with its line end. */
export async function printable(answer: unknown, format: Format, io: Io): Promise<string> {
  if (format === 'yaml') return (await import('./formats/yaml.ts')).yamlText(answer ?? null);
  const { jsonText } = await import('./formats/json.ts');
  if (typeof answer !== 'string' || format === 'json') return `${jsonText(answer ?? null, io)}\n`;
  return `${(await import('./visible.ts')).visible(answer)}\n`;
}

/** A query sees what JSON would print, and nothing that objects inherit. */
function toJson(document: unknown): never {
  const own = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.setPrototypeOf(value, null)
      : value;
  return JSON.parse(JSON.stringify(document ?? null), own) as never;
}
