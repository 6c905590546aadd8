import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, appendFile, link, lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
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
    checkReplace: (path) =>
      checkFolder(path).catch((error: unknown) => {
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

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Complete or not there, whatever happens meanwhile; `false` where somebody else was faster. */
async function createWhole(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeSynced(draft, text);
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
    await writeSynced(draft, text);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function checkFolder(path: string): Promise<void> {
  await access(`${dirname(path)}/.`, constants.W_OK | constants.X_OK);
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory() === true) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
}

function unwritable(path: string, error: unknown): SaasctlError {
  const { code } = error as NodeJS.ErrnoException;
  return new SaasctlError({
    code: 'not_writable',
    category: 'config',
    message: `cannot write ${path}: ${code}`,
    hint: 'nothing else was changed',
    next: code === 'ENOENT' ? `mkdir -p ${dirname(path)}` : `ls -ld ${dirname(path)}`,
    cause: error,
  });
}
