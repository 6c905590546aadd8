import * as z from 'zod/mini';
import { SaasctlError } from '../core/errors.ts';
import type { Position } from './json-position.ts';
import { hasDuplicateKeys, protoKeys } from './json-text.ts';
import { invalidConfig, problemsOf } from './problem.ts';
import { brokenRules } from './rules.ts';
import { type Project, projectSchema, type UserSettings, userSchema } from './schema.ts';

/** The version of `saasctl.json` that this tool knows. */
const VERSION = 1;

/** The project file's text, checked. Throws `config_invalid` with every problem, or `config_too_new`. */
export async function parseProject(text: string, file: string): Promise<Project> {
  const data = await parseJson(text, file);
  refuseNewer(data, file);
  const project = conform(projectSchema, data, file);
  const broken = brokenRules(project);
  if (broken.length > 0) throw invalidConfig(file, broken);
  return project;
}

/** The user file's text, checked likewise. */
export async function parseUserSettings(text: string, file: string): Promise<UserSettings> {
  return conform(userSchema, await parseJson(text, file), file);
}

function conform<T extends z.core.$ZodType>(schema: T, data: unknown, file: string): z.output<T> {
  const parsed = z.safeParse(schema, data);
  const nameless = protoKeys(data);
  if (parsed.success && nameless.length === 0) return parsed.data;
  throw invalidConfig(file, [
    ...(parsed.success ? [] : problemsOf(parsed.error, schema, data)),
    ...nameless.map((path) => ({
      what: `${path.join('.') || 'the file'} has the name "__proto__"`,
      allowed: 'JavaScript keeps that name for itself; choose another',
    })),
  ]);
}

/** Strict JSON, with line and column where it is not, and no key twice. */
async function parseJson(text: string, file: string): Promise<unknown> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    const { syntaxError } = await import('./json-position.ts');
    throw unreadable(file, syntaxError(text) ?? { line: 1, column: 1, what: (cause as Error).message });
  }
  if (hasDuplicateKeys(text, data)) {
    const { duplicateKey } = await import('./json-position.ts');
    const twice = duplicateKey(text);
    if (twice !== null) throw unreadable(file, twice);
  }
  return data;
}

function unreadable(file: string, { line, column, what }: Position): SaasctlError {
  return new SaasctlError({
    code: 'config_invalid',
    category: 'config',
    message: `${file}:${line}:${column}: ${what}`,
    hint: `it must be JSON, without comments; look at line ${line}, column ${column}`,
    next: `edit ${file} and run the command again`,
  });
}

function refuseNewer(data: unknown, file: string): void {
  if (typeof data !== 'object' || data === null || !('version' in data)) return;
  const { version } = data;
  if (typeof version !== 'number' || !Number.isInteger(version) || version <= VERSION) return;
  throw new SaasctlError({
    code: 'config_too_new',
    category: 'config',
    message: `${file} has version ${version}; this saasctl knows version ${VERSION}`,
    hint: 'it was written for a newer saasctl',
    next: 'npm install --global saasctl@latest',
  });
}
