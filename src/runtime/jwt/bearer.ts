import type { KeyEnv } from '../../core/keys/format.ts';
import { JWT_KEY } from '../../core/tenants/jwt-access.ts';
import type { Log } from '../log.ts';
import { type Gate, type Outcome, refused, UNAVAILABLE } from '../outcome.ts';
import { type Environment, keyEnvs } from '../settings.ts';
import { parseJwtSettings } from './settings.ts';
import type { JwtIdentity, Verified } from './verify.ts';

/** Asks the gate for the bearer of a token, as `Gate.check` does for that of a key. Never throws. */
export interface Bearer {
  check(token: string): Promise<Outcome>;
}

/** Said once in so long for each reason: a caller with a bad token must not fill the log. */
const QUIET_MS = 60_000;

/**
 * Takes the tokens that an environment describes; `null` where it takes none. Verification is a chunk of its
 * own, loaded with the first token. `now`: epoch ms.
 */
export function bearerFrom(
  env: Environment,
  gate: Pick<Gate, 'admit'>,
  log: Log,
  now: () => number = Date.now,
): Bearer | null {
  const identity = identityFrom(env, log, now);
  if (identity === null) return null;
  const said = new Map<string, number>();
  const say = (about: string, line: Parameters<Log>[0]): void => {
    const at = now();
    const last = said.get(about);
    if (last !== undefined && at >= last && at - last < QUIET_MS) return;
    said.set(about, at);
    log(line);
  };

  const verify = async (token: string): Promise<Verified> => {
    try {
      return await (await identity()).verify(token);
    } catch (error) {
      // The chunk is missing from the bundle: nothing can be said of the token.
      return { kind: 'unavailable', message: (error as Error).message };
    }
  };

  return {
    async check(token) {
      const verified = await verify(token);
      if (verified.kind === 'unavailable') {
        say('unavailable', { level: 'error', event: 'jwt_keys_unavailable', message: verified.message });
        return UNAVAILABLE;
      }
      if (verified.kind === 'refused') {
        say(verified.reason, { level: 'warn', event: 'jwt_refused', reason: verified.reason });
        return refused('malformed');
      }
      const { tenantId, scopes } = verified;
      const outcome = await gate.admit({ tenantId, ...JWT_KEY, env: keyEnvOf(env) }, { scopes });
      if (outcome.outcome === 'refused' && outcome.reason === 'revoked') {
        const message = 'The tenant was created before the profile took JWTs: saasctl plan apply';
        say('not enabled', { level: 'warn', event: 'jwt_not_enabled', tenantId, message });
      }
      return outcome;
    },
  };
}

/** A token names no key environment: it is of the one that keys are of, or of live where both are taken. */
const keyEnvOf = (env: Environment): KeyEnv => {
  const [first, ...more] = keyEnvs(env);
  return more.length === 0 ? first : 'live';
};

function identityFrom(env: Environment, log: Log, now: () => number): (() => Promise<JwtIdentity>) | null {
  try {
    const settings = parseJwtSettings(env);
    if (settings === null) return null;
    keyEnvOf(env);
    let made: Promise<JwtIdentity> | undefined;
    return () => {
      made ??= import('./verify.ts').then(
        ({ createJwtIdentity }) => createJwtIdentity(settings, now),
        // A function that was bundled without it: its callers' tokens must not look bad.
        (error: Error) => ({ verify: async () => ({ kind: 'unavailable', message: error.message }) }),
      );
      return made;
    };
  } catch (error) {
    // As for the gate's own settings: not thrown at start, and a good token must not look bad.
    const { message, hint } = error as { message: string; hint?: string | null };
    return async () => {
      log({ level: 'error', event: 'bad_setting', message, hint });
      return { verify: async () => ({ kind: 'unavailable', message }) };
    };
  }
}
