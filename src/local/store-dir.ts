import { access, constants, mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { SaasctlError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';

/** What the engine needs to open a new store and write its first transaction. */
const LEAST_FREE_BYTES = 256 * 1024;

export const storeFile = (storeDir: string): string => join(storeDir, 'store.db');

/**
 * Creates the store's directory (0700) when missing and checks that the engine can write there.
 * Throws `store_unusable` or `store_full` (category config) before anything is touched.
 */
export async function prepareStoreDir(storeDir: string): Promise<void> {
  try {
    // Not recursive: the store lies beside saasctl.json, and a recursive mkdir never returns on some file systems.
    await mkdir(storeDir, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await access(storeDir, constants.R_OK | constants.W_OK | constants.X_OK);
    await checkFile(storeFile(storeDir));
    const { bavail, bsize } = await statfs(storeDir);
    if (bavail * bsize < LEAST_FREE_BYTES) throw storeFull(storeDir);
  } catch (error) {
    if (error instanceof SaasctlError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOSPC' || code === 'EDQUOT' ? storeFull(storeDir) : unusable(storeDir, error);
  }
}

async function checkFile(file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return;
  if (found.isDirectory()) throw new Error(`${file} is a directory`);
  await access(file, constants.R_OK | constants.W_OK);
}

/** The user's error behind what the engine said of its store, or null when it is about something else. */
export function storeProblem(storeDir: string, engineSaid: string): SaasctlError | null {
  if (/database or disk is full/i.test(engineSaid)) return storeFull(storeDir);
  if (/not a valid SQLite database|disk image is malformed/i.test(engineSaid)) return corrupt(storeDir);
  if (/readonly database|unable to open database file|disk I\/O error/i.test(engineSaid)) {
    return unusable(storeDir, new Error(engineSaid));
  }
  return null;
}

function unusable(storeDir: string, cause: unknown): SaasctlError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SaasctlError({
    code: 'store_unusable',
    category: 'config',
    message: `the local store in ${storeDir} cannot be written`,
    hint: `${why}. Nothing was changed.`,
    next: `ls -ld ${shellWord(storeDir)} ${shellWord(storeFile(storeDir))}`,
    cause,
  });
}

function storeFull(storeDir: string): SaasctlError {
  return new SaasctlError({
    code: 'store_full',
    category: 'config',
    message: `the disk under the local store in ${storeDir} is full`,
    hint: 'What was acknowledged is safe. Free some space, then run the command again.',
    next: `df -h ${shellWord(storeDir)}`,
  });
}

function corrupt(storeDir: string): SaasctlError {
  const file = storeFile(storeDir);
  return new SaasctlError({
    code: 'store_corrupt',
    category: 'config',
    message: `the local store ${file} is not a store that the engine can read`,
    hint: 'It was left as it is. Restore it from a copy, or put it aside and start with an empty one.',
    next: `mv ${shellWord(file)} ${shellWord(`${file}.broken`)}`,
  });
}
