import { usageError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { ProfileConfig, Project } from './schema.ts';
import { type Environment, from, fromEnv, type Setting } from './setting.ts';

export interface ProfileSources {
  env: Environment;
  flags: { profile?: string | undefined };
  interactive: boolean;
}

/**
 * The profile in force. Throws `unknown_profile`, and `profile_required` where nobody is there to see which
 * one a default would take.
 */
export function chooseProfile(
  { profiles, defaultProfile }: Project,
  file: string,
  { env, flags, interactive }: ProfileSources,
): { name: Setting; stated: ProfileConfig } {
  const known = Object.keys(profiles);
  const asked = [...from(flags.profile, '--profile'), ...fromEnv(env, 'SAASCTL_PROFILE')];
  if (asked.length === 0 && known.length > 1 && (!interactive || inCi(env))) {
    throw usageError('profile_required', `${file} has ${known.length} profiles, and none was named`, {
      hint: `in CI and without a terminal none is taken by default; the profiles are ${known.join(', ')}`,
      next: `run the same command with --profile <name>, or set SAASCTL_PROFILE`,
    });
  }
  const name = asked[0] ?? { value: defaultProfile, origin: file };
  const stated = Object.hasOwn(profiles, name.value) ? profiles[name.value] : undefined;
  if (stated !== undefined) return { name, stated };
  throw usageError(
    'unknown_profile',
    `${name.origin}: ${file} has no profile ${JSON.stringify(name.value)}`,
    {
      hint: `${didYouMean(name.value, known)}the profiles are ${known.join(', ')}`,
      next: `run the same command with --profile ${known[0]}`,
    },
  );
}

/** `CI=false` is how one says no. */
function inCi(env: Environment): boolean {
  const ci = env['CI'];
  return ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0';
}
