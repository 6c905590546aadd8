// A small interpreter of the DynamoDB expressions that a gate request uses, so that what is tested is the text
// that is sent. Like DynamoDB it evaluates the condition first, reads paths from the old item, and compares
// false with what is missing.
import type { GateAnswer } from '../../../src/core/gate/decide.ts';
import type { GateItem } from '../../../src/core/gate/layout.ts';
import type { GateRequest } from '../../../src/core/gate/request.ts';

type Tree = { [name: string]: Tree | Value };
type Value = string | number | boolean;
type Found = Tree | Value | undefined;

/** What DynamoDB answers with ValidationException: the condition held, but the update's paths do not exist. */
export class InvalidUpdate extends Error {}

type Expressions = Pick<
  GateRequest,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/** The item after the update, or as it was when the condition failed. The given item is left alone. */
export function applyUpdate(item: GateItem | null, request: Expressions): GateAnswer {
  const old = item as unknown as Tree | null;
  const use = { names: new Set<string>(), values: new Set<string>() };
  const reader = expressionReader(old ?? {}, request, use);
  const holds = reader(request.ConditionExpression).condition();
  const updated = structuredClone(old ?? {});
  const writes = reader(request.UpdateExpression.replace(/^SET /, '')).assignments();
  expectAllUsed(request.ExpressionAttributeNames, use.names);
  expectAllUsed(request.ExpressionAttributeValues, use.values);
  if (!holds) return { applied: false, item };
  for (const [path, compute] of writes) {
    const parent = path.slice(0, -1).reduce<Found>((tree, name) => member(tree, name), updated);
    if (typeof parent !== 'object') throw new InvalidUpdate(`no parent for ${path.join('.')}`);
    Object.defineProperty(parent, path.at(-1) as string, {
      value: compute(),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return { applied: true, item: updated as unknown as GateItem };
}

function member(tree: Found, name: string): Found {
  return typeof tree === 'object' && Object.hasOwn(tree, name) ? tree[name] : undefined;
}

function expectAllUsed(declared: object, used: Set<string>): void {
  const unused = Object.keys(declared).filter((token) => !used.has(token));
  if (unused.length > 0) throw new Error(`DynamoDB refuses unused expression attributes: ${unused}`);
}

function expressionReader(
  item: Tree,
  request: Expressions,
  use: { names: Set<string>; values: Set<string> },
) {
  return (text: string) => {
    const tokens = text.match(/[#:]?\w+|<=|>=|<>|[<>=().,+-]/g) ?? [];
    let at = 0;
    const peek = () => tokens[at];
    const next = () => tokens[at++] as string;
    const expect = (token: string) => {
      if (next() !== token) throw new Error(`expected ${token} before ${tokens.slice(at)} in ${text}`);
    };

    function path(): string[] {
      const names: string[] = [];
      do {
        const token = next();
        if (token === '.') continue;
        const name = request.ExpressionAttributeNames[token];
        if (name === undefined) throw new Error(`undeclared ${token}`);
        use.names.add(token);
        names.push(name);
      } while (peek() === '.' || tokens[at - 1] === '.');
      return names;
    }
    const look = (names: string[]): Found => names.reduce<Found>(member, item);

    function operand(): () => Found {
      const token = peek() as string;
      if (token === 'if_not_exists') {
        next();
        expect('(');
        const wanted = look(path());
        expect(',');
        const otherwise = operand();
        expect(')');
        return () => wanted ?? otherwise();
      }
      if (token.startsWith(':')) {
        const value = request.ExpressionAttributeValues[next()];
        if (value === undefined) throw new Error(`undeclared ${token}`);
        use.values.add(token);
        return () => value;
      }
      const found = look(path());
      return () => found;
    }

    function sum(): () => Found {
      const left = operand();
      const sign = peek();
      if (sign !== '+' && sign !== '-') return left;
      next();
      const right = operand();
      return () => {
        const [a, b] = [left(), right()];
        if (typeof a !== 'number' || typeof b !== 'number') throw new InvalidUpdate(`no number in ${text}`);
        const result = sign === '+' ? a + b : a - b;
        if (!Number.isSafeInteger(result)) throw new Error(`${result} is past the safe integers`);
        return result;
      };
    }

    function term(): boolean {
      if (peek() === '(') {
        next();
        const inner = disjunction();
        expect(')');
        return inner;
      }
      if (peek() === 'attribute_exists' || peek() === 'attribute_not_exists') {
        const negated = next() === 'attribute_not_exists';
        expect('(');
        const found = look(path()) !== undefined;
        expect(')');
        return found !== negated;
      }
      const left = operand()();
      const operator = next();
      const right = operand()();
      if (typeof left !== typeof right || left === undefined || right === undefined) return false;
      const compare: Record<string, boolean> = {
        '=': left === right,
        '<': left < right,
        '<=': left <= right,
        '>': left > right,
        '>=': left >= right,
      };
      return compare[operator] as boolean;
    }

    function chain(word: string, part: () => boolean, join: (a: boolean, b: boolean) => boolean): boolean {
      let result = part();
      while (peek() === word) {
        next();
        // Evaluated before joining, so that every operand is read.
        const more = part();
        result = join(result, more);
      }
      return result;
    }
    const conjunction = () => chain('AND', term, (a, b) => a && b);
    const disjunction = (): boolean => chain('OR', conjunction, (a, b) => a || b);

    return {
      condition(): boolean {
        const result = disjunction();
        if (at !== tokens.length) throw new Error(`left over: ${tokens.slice(at)}`);
        return result;
      },
      assignments(): [string[], () => Found][] {
        const writes: [string[], () => Found][] = [];
        do {
          if (peek() === ',') next();
          const target = path();
          expect('=');
          writes.push([target, sum()]);
        } while (peek() === ',');
        if (at !== tokens.length) throw new Error(`left over: ${tokens.slice(at)}`);
        return writes;
      },
    };
  };
}
