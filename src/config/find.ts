import { dirname, join, resolve } from 'node:path';
import { SaasctlError } from '../core/errors.ts';
import { readConfigFile } from './file.ts';

const PROJECT_FILE = 'saasctl.json';

export interface FoundFile {
  /** Absolute path. */
  file: string;
  text: string;
}

/** The nearest `saasctl.json` at or above a directory. Throws `config_not_found`. */
export async function findProjectFile(cwd: string): Promise<FoundFile> {
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    const file = join(dir, PROJECT_FILE);
    const text = await readConfigFile(file);
    if (text !== null) return { file, text };
    if (dir === dirname(dir)) break;
  }
  throw new SaasctlError({
    code: 'config_not_found',
    category: 'config',
    message: `no ${PROJECT_FILE} in ${resolve(cwd)} or above it`,
    hint: 'go to the project, name its file with --config, or start a project here',
    next: 'saasctl init',
  });
}

/** The project file that a flag or variable (`origin`) names. Throws `config_not_found`. */
export async function namedProjectFile(path: string, cwd: string, origin: string): Promise<FoundFile> {
  const file = resolve(cwd, path);
  const text = await readConfigFile(file);
  if (text !== null) return { file, text };
  throw new SaasctlError({
    code: 'config_not_found',
    category: 'config',
    message: `there is no ${file}`,
    hint: `${origin} names it`,
    next: `ls ${dirname(file)}`,
  });
}
