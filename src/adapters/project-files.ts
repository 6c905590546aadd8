import { appendFile, open, readFile } from 'node:fs/promises';
import { SaasctlError } from '../core/errors.ts';
import type { ProjectFiles } from '../core/ports.ts';

/** The files beside the store, on disk. */
export function projectFiles(starter: string): ProjectFiles {
  return {
    async create(path, text) {
      try {
        const file = await open(path, 'wx');
        await file.writeFile(text);
        await file.close();
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw unwritable(path, error);
      }
    },
    read: (path) =>
      readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      }),
    append: (path, text) =>
      appendFile(path, text).catch((error: unknown) => {
        throw unwritable(path, error);
      }),
    starter: () => readFile(starter, 'utf8'),
  };
}

function unwritable(path: string, error: unknown): SaasctlError {
  return new SaasctlError({
    code: 'not_writable',
    category: 'config',
    message: `cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`,
    hint: 'nothing else was changed',
    cause: error,
  });
}
