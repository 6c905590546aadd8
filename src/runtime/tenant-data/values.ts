import { refuseReserved } from './reserved.ts';

/** What a customer may store, and what comes back: exactly what was put in. */
export type Value =
  | null
  | boolean
  | string
  /** An integer up to 2^53 − 1, or a fraction; it comes back where JavaScript can hold the number exactly. */
  | number
  /** An integer beyond 2^53 − 1. */
  | bigint
  /** Any other number that a JavaScript number would round. */
  | Decimal
  | Uint8Array
  /** Of strings, of numbers, or of binary; never empty, never mixed. */
  | ReadonlySet<string>
  | ReadonlySet<number | bigint | Decimal>
  | ReadonlySet<Uint8Array>
  | readonly Value[]
  | { readonly [name: string]: Value | undefined };

/** Attributes of an item; one that is `undefined` is left out. */
export type Attributes = { readonly [name: string]: Value | undefined };

/** DynamoDB's own JSON. */
export type AttributeValue = { readonly [type: string]: unknown };

/** As deep as DynamoDB nests. */
const MAX_DEPTH = 32;
const MAX_DIGITS = 38;
const MAX_MAGNITUDE = 125;
const MIN_MAGNITUDE = -130;
const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;

/** A number as text, for more digits than a JavaScript number has: at most 38, from 1E-130 to 9.9E+125. */
export class Decimal {
  readonly text: string;
  constructor(text: string) {
    this.text = checkedNumber(text);
  }
  toString(): string {
    return this.text;
  }
  toJSON(): string {
    return this.text;
  }
}

/** A value as DynamoDB's JSON. Throws a TypeError where it could not be stored exactly. */
export function toAttribute(value: unknown, depth = 0): AttributeValue {
  if (depth > MAX_DEPTH) throw new TypeError(`more than ${MAX_DEPTH} levels deep`);
  if (value === null) return { NULL: true };
  switch (typeof value) {
    case 'boolean':
      return { BOOL: value };
    case 'string':
      return { S: checkedText(value) };
    case 'number':
    case 'bigint':
      return { N: numberText(value) };
    case 'object':
      return objectAttribute(value, depth);
    default:
      throw new TypeError(`a ${typeof value} cannot be stored`);
  }
}

/** Attributes as DynamoDB's JSON. Throws `Forbidden` for one that is reserved, here or in a map within. */
export function toAttributes(item: object, depth = 0): Record<string, AttributeValue> {
  const entries = Object.entries(item).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      refuseReserved(name);
      return [checkedText(name), toAttribute(value, depth + 1)];
    }),
  );
}

function objectAttribute(value: object, depth: number): AttributeValue {
  if (value instanceof Decimal) return { N: value.text };
  if (value instanceof Uint8Array) return { B: base64(value) };
  if (value instanceof Set) return setAttribute([...value]);
  if (Array.isArray(value)) return { L: Array.from(value, (each) => toAttribute(each, depth + 1)) };
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object's prototype, of this realm or another, has none itself.
  if (prototype === null || Object.getPrototypeOf(prototype) === null)
    return { M: toAttributes(value, depth) };
  throw new TypeError(`a ${value.constructor.name} cannot be stored`);
}

function setAttribute(values: readonly unknown[]): AttributeValue {
  const of = (test: (value: unknown) => boolean): boolean => values.length > 0 && values.every(test);
  const isNumber = (value: unknown): boolean =>
    typeof value === 'number' || typeof value === 'bigint' || value instanceof Decimal;
  if (of((value) => typeof value === 'string'))
    return { SS: values.map((each) => checkedText(String(each))) };
  if (of((value) => value instanceof Uint8Array))
    return { BS: values.map((each) => base64(each as Uint8Array)) };
  if (of(isNumber)) return { NS: values.map((each) => toAttribute(each)['N']) };
  throw new TypeError('a set holds strings, numbers or binary, at least one of them and one type only');
}

function numberText(value: number | bigint): string {
  // Beyond 2^53 a number may have been rounded before it came here.
  if (
    typeof value === 'number' &&
    (Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value))
  )
    throw new TypeError(`${value} cannot be stored exactly: use a bigint or a Decimal`);
  return checkedNumber(String(value));
}

function checkedNumber(text: string): string {
  const parts = decimalParts(text);
  if (parts === null) throw new TypeError(`${JSON.stringify(text)} is not a number`);
  const { digits, magnitude } = parts;
  if (digits === '') return text;
  if (digits.length > MAX_DIGITS) throw new TypeError(`${text} has more than ${MAX_DIGITS} digits`);
  if (magnitude > MAX_MAGNITUDE || magnitude < MIN_MAGNITUDE) throw new TypeError(`${text} is out of range`);
  return text;
}

/** Significant digits (none for zero), sign, and the power of ten of the first: equal numbers have equal parts. */
function decimalParts(text: string): { negative: boolean; digits: string; magnitude: number } | null {
  const [, whole, fraction = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return null;
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '');
  const leading = all.length - digits.length;
  const magnitude = whole.length - 1 - leading + Number(exponent);
  const significant = digits.replace(/0+$/, '');
  return { negative: text.startsWith('-') && significant !== '', digits: significant, magnitude };
}

// JSON would carry half a surrogate pair, and DynamoDB store something else for it.
function checkedText(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('half a surrogate pair is no text');
  return text;
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** A value from DynamoDB's JSON. Throws on anything else, which is then no DynamoDB's answer. */
export function fromAttribute(attribute: unknown): Value {
  const [[type, content] = [undefined, undefined], ...more] = Object.entries(object(attribute));
  if (more.length > 0) throw new TypeError('an attribute value has one type');
  switch (type) {
    case 'S':
      return text(content);
    case 'N':
      return numberFrom(text(content));
    case 'B':
      return bytes(content);
    case 'BOOL':
      if (typeof content === 'boolean') return content;
      break;
    case 'NULL':
      return null;
    case 'L':
      return list(content).map(fromAttribute);
    case 'M':
      return fromAttributes(content);
    case 'SS':
      return new Set(list(content).map(text));
    case 'NS':
      return new Set(list(content).map((each) => numberFrom(text(each))));
    case 'BS':
      return new Set(list(content).map(bytes));
  }
  throw new TypeError(`not an attribute value of type ${type}`);
}

/** Built from entries, so that an attribute named `__proto__` stays an attribute. */
export function fromAttributes(item: unknown): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(object(item)).map(([name, value]) => [name, fromAttribute(value)]),
  );
}

/** A number where it is exact, else a bigint for an integer and a Decimal for the rest. */
function numberFrom(stored: string): number | bigint | Decimal {
  const { negative, digits, magnitude } = decimalParts(stored) ?? notA('number');
  const number = Number(stored);
  if (digits.length > magnitude + 1) return sameNumber(stored, number) ? number : new Decimal(stored);
  if (Number.isSafeInteger(number)) return number;
  const integer = BigInt(digits.padEnd(magnitude + 1, '0'));
  return negative ? -integer : integer;
}

function sameNumber(stored: string, number: number): boolean {
  const [one, other] = [decimalParts(stored), decimalParts(String(number))];
  if (one === null || other === null) return false;
  if (one.digits === '') return other.digits === '';
  return one.digits === other.digits && one.magnitude === other.magnitude && one.negative === other.negative;
}

const text = (content: unknown): string => (typeof content === 'string' ? content : notA('string'));
const list = (content: unknown): unknown[] => (Array.isArray(content) ? content : notA('list'));
const bytes = (content: unknown): Uint8Array => Uint8Array.from(Buffer.from(text(content), 'base64'));
const object = (content: unknown): object =>
  typeof content === 'object' && content !== null && !Array.isArray(content) ? content : notA('map');

function notA(type: string): never {
  throw new TypeError(`not a ${type}`);
}
