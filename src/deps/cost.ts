import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Trace } from '../commands/context.ts';
import type { Config } from '../config/load.ts';
import type { ProfileConfig } from '../config/schema.ts';
import type { Environment } from '../config/setting.ts';
import { SaasctlError } from '../core/errors.ts';
import type { World } from '../deps.ts';

/** The cost model that ships with the tool, as JSON. */
export const costModel = (packageRoot: string): Promise<string> =>
  readFile(join(packageRoot, 'templates', 'cost-model.json'), 'utf8');

/** Bills, revenue and tags, as the profile says. Without a key of Stripe's there is no revenue. */
export async function openCost(
  packageRoot: string,
  { io: { env }, cwd, now, pause = wait }: World,
  { profile, storeDir }: Config,
  trace: Trace | null,
  say: (text: string) => void,
) {
  const { openCostWorld } = await import('../adapters/cost/world.ts');
  return openCostWorld({
    account: profile.account,
    region: profile.region,
    stack: profile.stack,
    endpoint: env['AWS_ENDPOINT_URL_DYNAMODB'] || env['AWS_ENDPOINT_URL'] || '',
    explorerEndpoint: env['AWS_ENDPOINT_URL_COST_EXPLORER'] || env['AWS_ENDPOINT_URL'] || '',
    awsProfile: profile.awsProfile ?? null,
    folder: join(storeDir, 'cost'),
    sampleFile: join(packageRoot, 'templates', 'sample-bill', 'focus.csv'),
    stripe: await stripeForRevenue(profile, env, cwd),
    trace,
    say,
    now,
    pause,
  });
}

const wait = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

async function stripeForRevenue(profile: ProfileConfig, env: Environment, cwd: string) {
  const { stripeKeyAndUrl } = await import('../config/stripe-key.ts');
  return stripeKeyAndUrl(profile, env, cwd).catch((error: unknown) => {
    if (error instanceof SaasctlError && error.code === 'stripe_key_missing') return null;
    throw error;
  });
}
