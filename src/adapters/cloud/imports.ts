import { parse } from 'es-module-lexer/js';

/** What a module imports, statically or not, where it says so in a word; `null`: it is no whole module. */
export function importsOf(text: string): string[] | null {
  try {
    const [imports] = parse(text);
    return imports.flatMap(({ n: name }) => name ?? []);
  } catch {
    return null;
  }
}
