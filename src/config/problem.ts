import * as z from 'zod/mini';
import { SaasctlError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';

/** One thing wrong in a configuration file: where and what, and what would be right. */
export interface Problem {
  what: string;
  allowed: string;
}

/** A problem at a place: `profiles.prod.account is 12`. */
export function wrongValue(path: readonly PropertyKey[], value: unknown, allowed: string): Problem {
  const found = value === undefined ? 'is missing' : `is ${shown(value)}`;
  return { what: `${place(path)} ${found}`, allowed };
}

/** What the schema refused, in words, with the keys that are known where one was not. */
export function problemsOf(error: z.core.$ZodError, schema: z.core.$ZodType, data: unknown): Problem[] {
  // Unknown keys first: a misspelt one is why another is missing.
  const rank = ({ code }: z.core.$ZodIssue): number => (code === 'unrecognized_keys' ? 0 : 1);
  const issues = [...error.issues].sort((a, b) => rank(a) - rank(b));
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, issue.path);
      return issue.keys.map((key) => ({
        what: `${place(issue.path)} has an unknown key ${JSON.stringify(key)}`,
        allowed: `${didYouMean(key, known)}the keys are ${known.join(', ')}`,
      }));
    }
    if (issue.code === 'invalid_key') {
      const key = String(issue.path.at(-1));
      const allowed = issue.issues[0]?.message ?? issue.message;
      return [
        {
          what: `${place(issue.path.slice(0, -1))} has the name ${JSON.stringify(key)}`,
          allowed: mustBe(allowed),
        },
      ];
    }
    return [wrongValue(issue.path, valueAt(data, issue.path), mustBe(issue.message))];
  });
}

/** The error that says them all, the first one first. */
export function invalidConfig(file: string, problems: readonly Problem[]): SaasctlError {
  const [first, ...others] = problems;
  return new SaasctlError({
    code: 'config_invalid',
    category: 'config',
    message: `${file}: ${first?.what}`,
    hint: [first?.allowed, ...others.map(({ what, allowed }) => `also: ${what}; ${allowed}`)].join('\n'),
    next: `edit ${file} and run the command again`,
  });
}

const mustBe = (allowed: string): string => `it must be ${allowed}`;

const place = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? 'the file' : path.map(String).join('.');

const CREDENTIAL = /^(sk|rk|pk|whsec|AKIA|ASIA|[a-z][a-z0-9]{1,11}_(live|test))_?[A-Za-z0-9]/;

/** A value as it stands in the file, cut short; a credential that strayed in is not repeated. */
function shown(value: unknown): string {
  if (Array.isArray(value) && value.length > 0) return 'a list';
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return 'an object';
  if (typeof value === 'string' && CREDENTIAL.test(value)) return 'something like a secret';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = data;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** The keys of the object at a path, read from the JSON Schema of `schema`. */
function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let node: unknown = z.toJSONSchema(schema);
  for (const key of path) {
    const named = valueAt(node, ['properties', key]);
    node = named ?? valueAt(node, ['additionalProperties']);
  }
  return Object.keys(valueAt(node, ['properties']) ?? {});
}
