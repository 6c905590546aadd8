// A module of our own around the package: what is imported lazily keeps its named exports when bundled.
import { compile, getRegisteredFunctions, TreeInterpreter } from '@jmespath-community/jmespath';

export { TreeInterpreter };

/** Compiles, and refuses functions that do not exist: the package would only find out when it gets there. */
export function compileKnown(expression: string): ReturnType<typeof compile> {
  const tree = compile(expression);
  const known: readonly string[] = getRegisteredFunctions();
  const unknown = functionsIn(tree).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`Unknown function: ${unknown}()`);
  return tree;
}

function functionsIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { type, name } = node as { type?: unknown; name?: unknown };
  if (type === 'Literal') return [];
  const inner = Object.values(node).flatMap(functionsIn);
  return type === 'Function' ? [String(name), ...inner] : inner;
}
