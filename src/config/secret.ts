import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SaasctlError, usageError } from '../core/errors.ts';
import type { Environment } from './setting.ts';

const LARGEST = 4096;

/** A secret and where it came from: the variable, or the file that `<variable>_FILE` names. */
export interface Secret {
  value: string;
  origin: string;
}

/**
 * A secret from a variable or from the file that `<variable>_FILE` names, of which only its owner may read; `null`
 * where neither is set. Never repeated in an error. Throws usage and config errors (exit 2).
 */
export async function readSecret(env: Environment, variable: string, cwd: string): Promise<Secret | null> {
  const value = env[variable] || undefined;
  const named = env[`${variable}_FILE`] || undefined;
  if (value !== undefined && named !== undefined) {
    throw usageError('secret_twice', `${variable} and ${variable}_FILE are both set`, {
      hint: 'one of them is left from something else, and it cannot be told which',
      next: `unset ${variable}`,
    });
  }
  if (value !== undefined) return { value, origin: variable };
  if (named === undefined) return null;
  return { value: await secretIn(resolve(cwd, named), `${variable}_FILE`), origin: named };
}

async function secretIn(file: string, variable: string): Promise<string> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw unusable(file, variable, `cannot be read: ${error.code}`, `ls -l ${file}`);
  });
  if (!found.isFile() || found.size > LARGEST)
    throw unusable(file, variable, 'is not a file with a secret in it', `ls -l ${file}`);
  if ((found.mode & 0o077) !== 0)
    throw unusable(file, variable, 'may be read by others than its owner', `chmod 600 ${file}`);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unusable(file, variable, `cannot be read: ${error.code}`, `ls -l ${file}`);
  });
  if (text.trim() !== '') return text.trim();
  throw unusable(file, variable, 'is empty', `ls -l ${file}`);
}

function unusable(file: string, variable: string, what: string, next: string): SaasctlError {
  return new SaasctlError({
    code: 'secret_file_unusable',
    category: 'config',
    message: `${file} ${what}`,
    hint: `${variable} names it; nothing was done`,
    next,
  });
}
