import type { Config } from '../config/load.ts';
import { SaasctlError } from '../core/errors.ts';

/** Throws `wrong_account` where the credentials are of another account than the profile. */
export function checkAccount({ profile, profileName }: Config, account: string): void {
  if (account === profile.account) return;
  throw new SaasctlError({
    code: 'wrong_account',
    category: 'auth',
    message: `profile ${profileName} is of account ${profile.account}, but the credentials are of ${account}`,
    hint: `nothing was read or written in ${profile.region}`,
    next: 'saasctl config show --origin',
  });
}
