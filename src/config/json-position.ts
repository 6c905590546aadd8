import { printParseErrorCode, visit } from 'jsonc-parser';

export interface Position {
  /** From 1. */
  line: number;
  column: number;
  what: string;
}

/** The first place where a text is not JSON; null where it is. */
export function syntaxError(text: string): Position | null {
  let first: Position | null = null;
  visit(
    text,
    {
      onError(code, _offset, _length, line, column) {
        first ??= { line: line + 1, column: column + 1, what: words(printParseErrorCode(code)) };
      },
    },
    { disallowComments: true },
  );
  return first;
}

/** The first key that already stands in its object. */
export function duplicateKey(text: string): Position | null {
  let first: Position | null = null;
  const open: Set<string>[] = [];
  visit(text, {
    onObjectBegin: () => {
      open.push(new Set());
    },
    onObjectEnd: () => {
      open.pop();
    },
    onObjectProperty(key, _offset, _length, line, column) {
      const keys = open.at(-1);
      if (keys?.has(key))
        first ??= { line: line + 1, column: column + 1, what: `${JSON.stringify(key)} is there twice` };
      keys?.add(key);
    },
  });
  return first;
}

/** `CommaExpected` as `comma expected`. */
const words = (code: string): string => code.replace(/(?!^)([A-Z])/g, ' $1').toLowerCase();
