import type { Environment } from './settings.ts';
import type { CredentialSource, Credentials } from './wire/client.ts';

/** Renewed so long before they end, ms: a call that has begun must not outlive them. */
const EARLY_MS = 300_000;
/** Asked for again after a failure no sooner than this, ms. */
const AGAIN_MS = 1_000;

type Provided = Credentials & { expiration?: Date | undefined };

/**
 * Credentials of a container, a process or a local profile, by the AWS SDK's own chain, which is loaded with the
 * first call. Not for the deployed authorizer: there they are in the environment.
 */
export function providedCredentials(env: Environment): CredentialSource {
  const profile = env['AWS_PROFILE'];
  return renewing(async () => {
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
    // Each time a chain of its own: one that is kept would answer from its own memory.
    return defaultProvider(profile ? { profile } : {})();
  });
}

/** Keeps what `ask` gives until shortly before it expires; one request at a time, whoever waits. Epoch ms. */
export function renewing(ask: () => Promise<Provided>, now: () => number = Date.now): CredentialSource {
  let current: Provided | undefined;
  let asking: Promise<Provided> | undefined;
  let failed = { at: Number.NEGATIVE_INFINITY, error: undefined as unknown };

  const until = (early: number): number =>
    current === undefined ? 0 : (current.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - early;

  async function renew(): Promise<Provided> {
    const since = now() - failed.at;
    if (since >= 0 && since < AGAIN_MS) throw failed.error;
    try {
      current = await ask();
      return current;
    } catch (error) {
      failed = { at: now(), error };
      throw error;
    } finally {
      asking = undefined;
    }
  }

  return async () => {
    if (current !== undefined && now() < until(EARLY_MS)) return current;
    asking ??= renew();
    // While the old ones still hold nobody waits, and nobody fails, for the new.
    if (current !== undefined && now() < until(0)) {
      asking.catch(() => {});
      return current;
    }
    return asking;
  };
}
