import { dirname, join } from 'node:path';
import { usageError } from '../core/errors.ts';
import { misspeltVariables } from './environment.ts';
import { findProjectFile, namedProjectFile } from './find.ts';
import { parseProject } from './parse.ts';
import { loadPreferences } from './preferences.ts';
import { chooseProfile } from './profile.ts';
import { LOCAL } from './rules.ts';
import { type Output, type ProfileConfig, type Project, REGION } from './schema.ts';
import { DEFAULT, type Environment, from, fromEnv, type NamedSetting, type Setting } from './setting.ts';

export interface ConfigSources {
  cwd: string;
  env: Environment;
  flags: {
    config?: string | undefined;
    profile?: string | undefined;
    region?: string | undefined;
    output?: string | undefined;
    color?: boolean | undefined;
  };
  home: string;
  /** Whether somebody is there: stdin and stderr are a terminal. */
  interactive: boolean;
}

export interface Config {
  /** The project file, absolute, and the directory it is in. */
  file: string;
  dir: string;
  project: Project;
  profileName: string;
  /** As in the file, with the region in force. */
  profile: ProfileConfig;
  /** Where the embedded engine keeps its data. */
  storeDir: string;
  /** Whether the profile is the embedded one. */
  isLocal: boolean;
  output: Output;
  /** Null: as the environment and the terminal say. */
  color: boolean | null;
  /** For `config show --origin`. */
  settings: NamedSetting[];
  /** For stderr. */
  warnings: string[];
}

/**
 * The settings in force: flags, then `SAASCTL_*`, then the project file, then the user file, then defaults.
 * Throws usage and config errors (exit 2); nothing is remembered between calls.
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const { cwd, env, flags } = sources;
  const preferences = await loadPreferences(sources);
  const named = [...from(flags.config, '--config'), ...fromEnv(env, 'SAASCTL_CONFIG')][0];
  const { file, text } = named
    ? await namedProjectFile(named.value, cwd, named.origin)
    : await findProjectFile(cwd);
  const project = await parseProject(text, file);
  const { name, stated } = chooseProfile(project, file, sources);
  const region = chooseRegion(stated, file, sources);
  const profile = { ...stated, region: region.value };
  const dir = dirname(file);
  const configOrigin = named?.origin ?? 'nearest above the current directory';
  return {
    file,
    dir,
    project,
    profileName: name.value,
    profile,
    storeDir: join(dir, '.saasctl'),
    isLocal: name.value === LOCAL,
    output: preferences.output.value,
    color: preferences.color.value,
    settings: [
      { name: 'config', value: file, origin: configOrigin },
      { name: 'profile', ...name },
      { name: 'region', ...region },
      { name: 'output', ...preferences.output },
      { name: 'color', ...preferences.color },
      ...statedSettings(project, name.value, file, text),
    ],
    warnings: misspeltVariables(env),
  };
}

function chooseRegion(profile: ProfileConfig, file: string, { env, flags }: ConfigSources): Setting {
  const asked = [...from(flags.region, '--region'), ...fromEnv(env, 'SAASCTL_REGION')][0];
  if (asked !== undefined && !REGION.test(asked.value)) {
    throw usageError('bad_region', `${asked.origin}: ${JSON.stringify(asked.value)} is not an AWS region`, {
      hint: 'a region is such as eu-central-1',
    });
  }
  return asked ?? { value: profile.region, origin: file };
}

/** What only the project file says, and what it leaves to defaults. */
function statedSettings(project: Project, name: string, file: string, text: string): NamedSetting[] {
  const written = JSON.parse(text) as { profiles: Record<string, object> };
  const profile = project.profiles[name] as ProfileConfig;
  const says = (object: object | undefined, key: string): string =>
    object !== undefined && Object.hasOwn(object, key) ? file : DEFAULT;
  return [
    { name: 'account', value: profile.account, origin: file },
    { name: 'stack', value: profile.stack, origin: file },
    { name: 'stripe', value: profile.stripe, origin: file },
    { name: 'keyEnvs', value: profile.keyEnvs.join(' '), origin: file },
    {
      name: 'importedKeys',
      value: profile.importedKeys,
      origin: says(written.profiles[name], 'importedKeys'),
    },
    {
      name: 'awsProfile',
      value: profile.awsProfile ?? null,
      origin: says(written.profiles[name], 'awsProfile'),
    },
    { name: 'keyPrefix', value: project.keyPrefix, origin: says(written, 'keyPrefix') },
  ];
}
