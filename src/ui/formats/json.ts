import type { Io } from '../io.ts';
import type { Paint } from '../paint.ts';
import { documentOf, type ListResult, type Result } from '../result.ts';
import { escapeInStrings } from '../visible.ts';

/** One JSON value: indented on a terminal, one line otherwise. No line end. */
export function jsonText(value: unknown, io: Io): string {
  return escapeInStrings(JSON.stringify(value, null, io.stdoutIsTTY ? 2 : 0));
}

/** One JSON document; a list is written item by item. */
export async function renderJson<T>(result: Result<T>, io: Io, _paint: Paint): Promise<void> {
  if (result.kind === 'list') await writeList(result, io);
  else await io.out(`${jsonText(await documentOf(result), io)}\n`);
}

async function writeList<T>(result: ListResult<T>, io: Io): Promise<void> {
  const [line, indent] = io.stdoutIsTTY ? ['\n', '  '] : ['', ''];
  const space = indent && ' ';
  let before = `{${line}${indent}"items":${space}[`;
  let any = false;
  for await (const item of result.items) {
    const text = jsonText(item, io).replaceAll('\n', `\n${indent}${indent}`);
    await io.out(`${before}${line}${indent}${indent}${text}`);
    if (io.closed) return;
    before = ',';
    any = true;
  }
  const end = any ? `${line}${indent}]` : `${before}]`;
  await io.out(`${end},${line}${indent}"next":${space}${jsonText(result.next?.() ?? null, io)}${line}}\n`);
}
