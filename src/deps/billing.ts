import type { Billing, Trace } from '../commands/context.ts';
import type { Config } from '../config/load.ts';
import type { StripeAccess } from '../config/stripe-key.ts';
import type { World } from '../deps.ts';

/** Sinks and Stripe, as the profile says; the stand-in answers in this process, on the same store as the engine. */
export function openBilling(world: World, config: Config, trace: Trace | null): Billing {
  const {
    cwd,
    now,
    io: { env },
  } = world;
  const closers: (() => Promise<unknown>)[] = [];
  const opened = <T extends { close(): Promise<void> }>(one: T): T => {
    closers.push(() => one.close());
    return one;
  };
  let access: Promise<StripeAccess> | undefined;
  const stripe = () => {
    access ??= stripeAccess(config, world, closers);
    return access;
  };
  return {
    async sink(name) {
      const { openSink } = await import('../adapters/sinks.ts');
      const { sinkSettings } = await import('../config/billing-settings.ts');
      const { readSecret } = await import('../config/secret.ts');
      const webhookSecret = async () => (await readSecret(env, 'SAASCTL_WEBHOOK_SECRET', cwd))?.value ?? null;
      return opened(await openSink(name, sinkSettings(config), { stripe, webhookSecret, now, trace }));
    },
    async stripe() {
      const { setupWanted } = await import('../config/billing-settings.ts');
      const { stripeAccount } = await import('../adapters/stripe/account.ts');
      return opened(stripeAccount({ ...(await stripe()), wanted: setupWanted(config), trace }));
    },
    async standIn() {
      if (config.profile.stripe !== 'stand-in') return null;
      // One of its own, whatever SAASCTL_STRIPE_URL names: that may be the address of an earlier run.
      return (await startStandIn(config, now, closers)).url;
    },
    async close() {
      // The stand-in last: it was opened first.
      for (const close of closers.reverse()) await close().catch(() => {});
    },
  };
}

async function stripeAccess(
  { profile, storeDir }: Config,
  { io: { env }, cwd, now }: World,
  closers: (() => Promise<unknown>)[],
): Promise<StripeAccess> {
  const { stripeKeyAndUrl } = await import('../config/stripe-key.ts');
  const named = await stripeKeyAndUrl(profile, env, cwd);
  if (named !== null) return named;
  return startStandIn({ storeDir }, now, closers);
}

async function startStandIn(
  { storeDir }: Pick<Config, 'storeDir'>,
  now: () => number,
  closers: (() => Promise<unknown>)[],
): Promise<StripeAccess & { url: string }> {
  const { STAND_IN_KEY, startStripeStandIn } = await import('../local/stripe/server.ts');
  const standIn = await startStripeStandIn({ storeDir, clock: now });
  closers.push(() => standIn.stop());
  return { apiKey: STAND_IN_KEY, url: standIn.url, mode: 'test' };
}
