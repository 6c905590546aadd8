// What is where in a template.
import type { Json, Template } from './read.ts';

/** Every object and value below `node`, depth first, each with its path. */
export function* walk(
  node: Json,
  path: readonly string[] = [],
): Generator<{ node: Json; path: readonly string[] }> {
  yield { node, path };
  if (typeof node !== 'object' || node === null) return;
  for (const [key, inner] of Object.entries(node)) yield* walk(inner, [...path, key]);
}

/** What a part of a template refers to by Ref, GetAtt, Sub and Condition: `Table`, `Table.Arn`, `condition:IsSilo`. */
export function referencesOf(part: Json): string[] {
  return [...walk(part)].flatMap(({ node, path }) => {
    if (typeof node === 'string' && path.at(-1) === 'Condition') return [`condition:${node}`];
    if (typeof node !== 'object' || node === null) return [];
    const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': text, 'Fn::If': choice } = node;
    return [
      ...(typeof Ref === 'string' ? [Ref] : []),
      ...(Array.isArray(attribute) ? [attribute.join('.')] : []),
      ...(Array.isArray(choice) ? [`condition:${choice[0]}`] : []),
      ...(typeof text === 'string'
        ? [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name)
        : []),
    ];
  });
}

/** Every policy statement, with the resource it is of. Those of trust policies have no Resource. */
export function statementsOf(template: Template): { resource: string; path: string; statement: Json }[] {
  return Object.entries(template.Resources).flatMap(([resource, { Properties }]) =>
    [...walk(Properties)]
      .filter(({ node }) => typeof node === 'object' && node !== null && 'Effect' in node)
      .map(({ node, path }) => ({ resource, path: path.join('.'), statement: node })),
  );
}
