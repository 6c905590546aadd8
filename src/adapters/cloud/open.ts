import type { Cloud, CloudAccount } from '../../core/deploy/ports.ts';
import { openAccount } from './account.ts';
import type { CloudSettings } from './client.ts';
import { openStacks } from './cloudformation.ts';
import { openCodeBucket } from './code-bucket.ts';
import { openSecretParameters } from './secret-parameters.ts';

/**
 * An AWS account to deploy to. `ssmEndpoint`: where SSM answers, for the one service that no SDK speaks to.
 * `secretsKmsKey`: the ARN of the key that secrets are encrypted with; AWS's own unless given.
 */
export async function openAwsCloud(
  settings: CloudSettings & { ssmEndpoint?: string | null; secretsKmsKey?: string | null },
): Promise<Cloud> {
  let caller: Promise<CloudAccount> | undefined;
  const account = (): Promise<CloudAccount> => {
    caller ??= openAccount(settings).catch((error: unknown) => {
      caller = undefined;
      throw error;
    });
    return caller;
  };
  const stacks = openStacks(
    settings,
    (ms) => new Promise((wake) => setTimeout(wake, ms)),
    async () => (await account()).account,
  );
  const code = openCodeBucket(settings, async () => (await account()).account);
  const secrets = openSecretParameters(
    settings,
    settings.ssmEndpoint ?? null,
    settings.secretsKmsKey ?? null,
  );
  return {
    stacks,
    code,
    account,
    secrets,
    async close() {
      for (const one of [stacks, code, secrets]) one.close();
    },
  };
}
