import { checkEndpoint } from '../adapters/endpoint.ts';
import type { Identity, Trace } from '../commands/context.ts';
import type { Config } from '../config/load.ts';
import type { Cloud } from '../core/deploy/ports.ts';
import { usageError } from '../core/errors.ts';
import type { World } from '../deps.ts';
import { checkAccount } from './account.ts';

/**
 * The AWS account of a profile, for what deploys to it. Refuses the profile `local`, a region that is not the
 * profile's (a second stack would grow there unseen), and credentials of another account.
 */
export async function openCloud({ io: { env } }: World, config: Config, trace: Trace | null): Promise<Cloud> {
  const { profile, profileName, project } = config;
  if (config.isLocal) {
    throw usageError('local_profile', 'the profile local runs on this machine and is deployed nowhere', {
      hint: 'a profile of an AWS account is what can be deployed',
      next: Object.keys(project.profiles).length > 1 ? 'saasctl config show --origin' : 'saasctl init --aws',
    });
  }
  const stated = project.profiles[profileName]?.region ?? profile.region;
  if (profile.region !== stated) {
    throw usageError(
      'wrong_region',
      `profile ${profileName} is of ${stated}, and ${profile.region} was asked for`,
      {
        hint: 'a stack in another region is a profile of its own; nothing was read or written',
        next: 'saasctl config show --origin',
      },
    );
  }
  const { openAwsCloud } = await import('../adapters/cloud/open.ts');
  const variable = env['AWS_ENDPOINT_URL_SSM'] ? 'AWS_ENDPOINT_URL_SSM' : 'AWS_ENDPOINT_URL';
  const ssm = env[variable];
  const cloud = await openAwsCloud({
    region: profile.region,
    awsProfile: profile.awsProfile ?? null,
    trace,
    // The SDK reads these variables itself, for the services that it speaks to.
    ssmEndpoint: ssm ? checkEndpoint(ssm, variable) : null,
    // The key that the core's functions may decrypt with.
    secretsKmsKey: profile.deploy?.parameters?.core?.['SecretsKmsKeyArn'] || null,
  });
  try {
    checkAccount(config, (await cloud.account()).account);
    return cloud;
  } catch (error) {
    await cloud.close();
    throw error;
  }
}

/** Who the credentials at hand are of, before there is a profile that says who they should be of. */
export async function identify(
  { io: { env } }: World,
  region: string | null,
  awsProfile: string | null,
): Promise<Identity> {
  const { callerIdentity } = await import('../adapters/sts.ts');
  const asked = region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || null);
  try {
    return await callerIdentity({ region: asked, awsProfile, trace: null });
  } catch (error) {
    if (!(error instanceof Error) || !/Region is missing/.test(String(error.cause ?? error))) throw error;
    throw usageError('no_region', 'no AWS region is set up', {
      hint: 'neither AWS_REGION nor ~/.aws/config names one; nothing was written',
      next: 'saasctl init --aws --region <region>',
    });
  }
}
