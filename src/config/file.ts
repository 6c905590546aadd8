import { readFile, stat } from 'node:fs/promises';
import { SaasctlError } from '../core/errors.ts';

const LARGEST = 1024 * 1024;

/**
 * A configuration file's text, or null where there is none. Throws `config_unreadable` for a directory, more than
 * 1 MiB, text that is not UTF-8, and whatever the system refuses.
 */
export async function readConfigFile(file: string): Promise<string | null> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw unreadable(file, 'is a directory', 'a file is expected there');
    if (found.size > LARGEST)
      throw unreadable(file, 'is larger than 1 MiB', 'this is not a configuration of saasctl');
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (cause) {
    if (cause instanceof SaasctlError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw unreadable(file, 'is not UTF-8', 'save it as UTF-8');
    const why = code === 'EACCES' ? 'you may not read it' : `the system says ${code}`;
    throw unreadable(file, 'cannot be read', why, cause);
  }
}

function unreadable(file: string, what: string, hint: string, cause?: unknown): SaasctlError {
  const next = `ls -l ${file}`;
  return new SaasctlError({
    code: 'config_unreadable',
    category: 'config',
    message: `${file} ${what}`,
    hint,
    next,
    cause,
  });
}
