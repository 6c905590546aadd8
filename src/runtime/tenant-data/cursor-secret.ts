import { randomBytes } from 'node:crypto';
import type { SaasctlError } from '../../core/errors.ts';
import { openedWire } from '../default-wire.ts';
import type { Log } from '../log.ts';
import { namedSecret, openSecrets, type Secrets } from '../secrets.ts';
import { type Environment, processEnvironment, processLog, refuse } from '../settings.ts';
import { Throttled } from './errors.ts';

const VARIABLE = 'SAASCTL_CURSOR_SECRET';
const MIN_LENGTH = 16;

/**
 * What cursors are signed with: the parameter that `SAASCTL_CURSOR_SECRET_PARAMETER` names, or
 * `SAASCTL_CURSOR_SECRET` itself. Throws a configuration error for one that can be guessed and where both are set,
 * and what `secrets` throws.
 */
export async function cursorSecretFrom(env: Environment, log: Log, secrets: () => Secrets): Promise<string> {
  const named = namedSecret(env, VARIABLE);
  if (named !== null) {
    if ('value' in named) return checked(VARIABLE, named.value);
    return checked(`the ${named.store} ${named.name}`, await secrets().read(named));
  }
  // Good within this sandbox alone: better a cursor that another sandbox refuses than one that anybody can make.
  const message = `${VARIABLE} is not set: cursors are good within one sandbox only`;
  log({ level: 'warn', event: 'cursor_secret_missing', message });
  return randomBytes(32).toString('base64url');
}

function checked(where: string, secret: string): string {
  if (secret.length >= MIN_LENGTH) return secret;
  return refuse(where, `has ${secret.length} characters`, `it needs at least ${MIN_LENGTH}`);
}

let secret: Promise<string> | undefined;

/** The sandbox's secret, read with the first cursor. Throws `Throttled` where it cannot be read now. */
export async function defaultCursorSecret(): Promise<string> {
  secret ??= cursorSecretFrom(processEnvironment(), processLog, () => {
    const { region, credentials } = openedWire();
    return openSecrets({ env: processEnvironment(), region, credentials });
  });
  try {
    return await secret;
  } catch (error) {
    secret = undefined;
    const { message, retryable } = error as SaasctlError;
    throw retryable === true ? new Throttled(message) : error;
  }
}
