import { Forbidden } from './errors.ts';
import { refuseReserved } from './reserved.ts';
import { type AttributeValue, toAttribute, type Value } from './values.ts';

/** Placeholders of an expression, as DynamoDB has them: `#name` for an attribute, `:value` for a value. */
export interface Placeholders {
  names?: Readonly<Record<`#${string}`, string>> | undefined;
  values?: Readonly<Record<`:${string}`, Value>> | undefined;
}

/** A condition that an item must meet for a write to be made, such as `attribute_not_exists(SK)`. */
export interface Conditional extends Placeholders {
  condition?: string | undefined;
}

export const CONDITIONAL = ['condition', 'names', 'values'] as const;

interface Compiled {
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, AttributeValue>;
}

/** Ours, in the same request: theirs must not redefine them. */
const OURS = /^[#:]saasctl/;
const NAME = /^#[A-Za-z0-9_]+$/;
const VALUE = /^:[A-Za-z0-9_]+$/;
/** Attribute names as an expression spells them out, placeholders apart. */
const WORD = /(?<![#:A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]*/g;

/** Placeholders as DynamoDB's JSON. None may stand for an attribute that decides whose an item is. */
export function compilePlaceholders({ names = {}, values = {} }: Placeholders): Compiled {
  const ours: [string, string][] = Object.entries({ ...names }).map(([token, name]) => {
    checkToken(token, NAME);
    if (typeof name !== 'string') throw new TypeError(`${token} stands for an attribute’s name, a string`);
    refuseReserved(name);
    return [token, name];
  });
  const compiled: [string, AttributeValue][] = Object.entries({ ...values }).map(([token, value]) => {
    checkToken(token, VALUE);
    return [token, toAttribute(value)];
  });
  return {
    ...(ours.length > 0 ? { ExpressionAttributeNames: Object.fromEntries(ours) } : {}),
    ...(compiled.length > 0 ? { ExpressionAttributeValues: Object.fromEntries(compiled) } : {}),
  };
}

/** An expression as it may be sent: at no depth does it name a reserved attribute. */
export function checkedExpression(expression: unknown): string {
  if (typeof expression !== 'string') throw new TypeError('an expression is a string');
  for (const [word] of expression.matchAll(WORD)) refuseReserved(word);
  return expression;
}

/** The condition of a write, as parameters of its request. */
export function compileCondition(options: Conditional): Compiled & { ConditionExpression?: string } {
  const { condition } = options;
  return {
    ...(condition === undefined ? {} : { ConditionExpression: checkedExpression(condition) }),
    ...compilePlaceholders(options),
  };
}

function checkToken(token: string, shape: RegExp): void {
  if (!shape.test(token)) throw new TypeError(`${JSON.stringify(token)} is not a placeholder`);
  if (OURS.test(token)) throw new Forbidden(`${token} is taken`);
}
