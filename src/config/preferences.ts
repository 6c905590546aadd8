import { isAbsolute, join } from 'node:path';
import { usageError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { readConfigFile } from './file.ts';
import { parseUserSettings } from './parse.ts';
import { OUTPUTS, type Output } from './schema.ts';
import { DEFAULT, type Environment, from, fromEnv, type Setting } from './setting.ts';

export interface PreferenceSources {
  env: Environment;
  flags: { output?: string | undefined; color?: boolean | undefined };
  home: string;
}

/** What holds with or without a project. */
export interface Preferences {
  output: Setting<Output>;
  /** Null: as the environment and the terminal say. */
  color: Setting<boolean | null>;
}

/** Output format and colour: flags, then SAASCTL_OUTPUT, then the user file. Throws usage and config errors. */
export async function loadPreferences({ env, flags, home }: PreferenceSources): Promise<Preferences> {
  const userFile = userFilePath(env, home);
  const text = await readConfigFile(userFile);
  const user = text === null ? {} : await parseUserSettings(text, userFile);
  const output: Setting[] = [
    ...from(flags.output, '--output'),
    ...fromEnv(env, 'SAASCTL_OUTPUT'),
    ...from(user.output, userFile),
  ];
  const color: Setting<boolean>[] = [
    ...from(flags.color, flags.color ? '--color' : '--no-color'),
    ...from(user.color, userFile),
  ];
  return {
    output: checkOutput(output[0] ?? { value: 'table', origin: DEFAULT }),
    color: color[0] ?? { value: null, origin: DEFAULT },
  };
}

function userFilePath(env: Environment, home: string): string {
  const base = env['XDG_CONFIG_HOME'];
  // A relative one is to be ignored, says the XDG specification.
  return join(base && isAbsolute(base) ? base : join(home, '.config'), 'saasctl', 'config.json');
}

function checkOutput({ value, origin }: Setting): Setting<Output> {
  const output = OUTPUTS.find((known) => known === value);
  if (output !== undefined) return { value: output, origin };
  throw usageError('bad_output', `${origin}: ${JSON.stringify(value)} is not an output format`, {
    hint: `${didYouMean(value, OUTPUTS)}the formats are ${OUTPUTS.join(', ')}`,
  });
}
