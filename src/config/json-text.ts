/** Keys in a JSON text, counted without building a tree: strings that a colon follows. */
function keysInText(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon !== undefined) count++;
  return count;
}

function keysInValue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const children: unknown[] = Object.values(value);
  const own = Array.isArray(value) ? 0 : children.length;
  return children.reduce<number>((sum, child) => sum + keysInValue(child), own);
}

/** Whether a key stands twice in one object, where JSON.parse silently keeps the last. */
export function hasDuplicateKeys(text: string, value: unknown): boolean {
  return keysInText(text) !== keysInValue(value);
}

/** Paths at which a key is called `__proto__`, which object code drops without a word. */
export function protoKeys(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === '__proto__' ? [[...path]] : protoKeys(child, [...path, key]),
  );
}
