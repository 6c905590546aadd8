import { access } from 'node:fs/promises';
import { usageError } from '../core/errors.ts';

/** The file of a handler that somebody named. Throws `handler_not_found` (usage) where it cannot be read. */
export async function readableHandler(file: string): Promise<string> {
  await access(file).catch((error: NodeJS.ErrnoException) => {
    throw usageError('handler_not_found', `--handler: cannot read ${file}: ${error.code}`, {
      hint: 'it is an ES module that exports `handler`',
    });
  });
  return file;
}
