import { randomUUID } from 'node:crypto';
import { appendFile, link, lstat, open, readFile, rename, rm } from 'node:fs/promises';
import { SaasctlError } from '../core/errors.ts';
import type { ProjectFiles } from '../core/ports.ts';

/** The files beside the store, on disk. */
export function projectFiles(starter: string): ProjectFiles {
  return {
    async create(path, text) {
      // First, so that a folder that cannot be written is no trouble where nothing is to be written.
      if (await exists(path)) return false;
      return createWhole(path, text).catch((error: unknown) => {
        throw unwritable(path, error);
      });
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
    replace: (path, text) =>
      replaceWhole(path, text).catch((error: unknown) => {
        throw unwritable(path, error);
      }),
    starter: () => readFile(starter, 'utf8'),
  };
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** Complete or not there, whatever happens meanwhile; `false` where somebody else was faster. */
async function createWhole(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** What was there stays until the new text is whole on disk. */
async function replaceWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
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
