// Templates as values: read with their intrinsics in long form, whichever form they were written in.
import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml';

export { resolve } from './resolve.ts';

// biome-ignore lint/suspicious/noExplicitAny: a template is what its author wrote; schema.ts says what it may be.
export type Json = any;

export interface Resource {
  Type: string;
  Condition?: string;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
  Properties: Record<string, Json>;
}

export interface Template {
  Description: string;
  Parameters: Record<string, Record<string, Json>>;
  Rules: Record<string, Json>;
  Conditions: Record<string, Json>;
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Description: string; Condition?: string; Value: Json }>;
}

export const TEMPLATES = ['bootstrap', 'core', 'service', 'silo', 'guardrails'] as const;
export type TemplateName = (typeof TEMPLATES)[number];

/** A template's text, as it is shipped. */
export const templateText = (name: TemplateName): string =>
  readFileSync(new URL(`../../templates/${name}.yaml`, import.meta.url), 'utf8');

const parsed = new Map<TemplateName, Template>();

/** A shipped template; each call has its own, to be changed at will. */
export function readTemplate(name: TemplateName): Template {
  const template = parsed.get(name) ?? parseTemplate(templateText(name));
  parsed.set(name, template);
  return structuredClone(template);
}

/** A template from YAML: `!Sub x` reads as `{'Fn::Sub': 'x'}`. Throws for YAML that is none. */
export function parseTemplate(text: string, version: '1.1' | '1.2' = '1.2'): Template {
  const document = parseDocument(text, { logLevel: 'error', version });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  const read = longForm(document.contents as Node);
  return { Parameters: {}, Rules: {}, Conditions: {}, Outputs: {}, ...read };
}

function longForm(node: Node | null): Json {
  const plain = plainOf(node);
  const short = node?.tag?.startsWith('!') ? node.tag.slice(1) : null;
  if (short === null) return plain;
  if (short === 'Ref' || short === 'Condition') return { [short]: plain };
  return { [`Fn::${short}`]: short === 'GetAtt' && typeof plain === 'string' ? attributeOf(plain) : plain };
}

function plainOf(node: Node | null): Json {
  if (isMap(node))
    return Object.fromEntries(
      node.items.map(({ key, value }) => [String(longForm(key as Node)), longForm(value as Node | null)]),
    );
  if (isSeq(node)) return node.items.map((item) => longForm(item as Node));
  return isScalar(node) ? node.value : null;
}

/** `Table.Arn` → its resource and its attribute, which may have dots itself. */
function attributeOf(text: string): [string, string] {
  const dot = text.indexOf('.');
  return [text.slice(0, dot), text.slice(dot + 1)];
}
