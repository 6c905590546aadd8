import { open, rename, rm } from 'node:fs/promises';
import { SaasctlError } from '../core/errors.ts';
import type { SecretFile } from '../core/ports.ts';

/** A secret on its way into a file: readable by its owner alone, complete or not there. */
export function secretFile(path: string): SecretFile {
  const staged = `${path}.new`;
  return {
    staged,
    async stage(secret) {
      try {
        const file = await open(staged, 'wx', 0o600);
        try {
          await file.writeFile(`${secret}\n`);
          await file.sync();
        } finally {
          await file.close();
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
          await rm(staged, { force: true }).catch(() => {});
        throw unwritable(staged, error as NodeJS.ErrnoException);
      }
    },
    keep: () => rename(staged, path),
    discard: () => rm(staged, { force: true }),
  };
}

function unwritable(staged: string, error: NodeJS.ErrnoException): SaasctlError {
  if (error.code === 'EEXIST') {
    return new SaasctlError({
      code: 'secret_staged',
      category: 'conflict',
      message: `${staged} is there already`,
      hint: 'an earlier run could not tell whether its change was made: the file may hold the only copy of a living secret',
      next: `saasctl key verify < ${staged}`,
    });
  }
  return new SaasctlError({
    code: 'secret_file_unwritable',
    category: 'config',
    message: `cannot write ${staged}: ${error.code ?? error.message}`,
    hint: 'nothing was changed',
    cause: error,
  });
}
