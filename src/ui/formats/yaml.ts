import { Document, isScalar, visit } from 'yaml';
import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import { documentOf, type ListResult, type Result } from '../result.ts';
import { escapeInStrings, visible } from '../visible.ts';

/** One YAML value with its line end. */
export function yamlText(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    // Only a double-quoted string can hold an escape.
    Scalar(_key, node) {
      if (isScalar(node) && typeof node.value === 'string' && visible(node.value) !== node.value) {
        node.type = 'QUOTE_DOUBLE';
      }
    },
  });
  return escapeInStrings(document.toString({ lineWidth: 0 }));
}

/** One YAML document; a list is written item by item. */
export async function renderYaml<T>(result: Result<T>, io: Io, _paint: Paint): Promise<void> {
  if (result.kind === 'list') await writeList(result, io);
  else await io.out(yamlText(await documentOf(result)));
}

async function writeList<T>(result: ListResult<T>, io: Io): Promise<void> {
  let any = false;
  for await (const item of result.items) {
    const text = yamlText([item]).replace(/^(?=.)/gm, '  ');
    await io.out(any ? text : `items:\n${text}`);
    if (io.closed) return;
    any = true;
  }
  await io.out(`${any ? '' : 'items: []\n'}${yamlText({ next: result.next?.() ?? null })}`);
}
