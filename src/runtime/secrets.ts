import { SaasctlError } from '../core/errors.ts';
import type { Pause } from './retry.ts';
import { type Environment, endpointOf, refuse } from './settings.ts';
import type { CredentialSource, Credentials } from './wire/client.ts';
import { createService, type Service } from './wire/service.ts';

/** Where a secret lies: a parameter of SSM (SecureString) or a secret of Secrets Manager, by its name or ARN. */
export interface SecretName {
  store: 'parameter' | 'secret';
  name: string;
}

export interface Secrets {
  /**
   * The secret's text, kept for `maxAgeMs` (for ever unless given) and asked for once whoever waits; one that cannot
   * be read anew is good for longer. Throws `secret_unavailable` (retryable), `secret_forbidden`,
   * `secret_refused` or `secret_missing`, which name it and never hold it.
   */
  read(secret: SecretName, maxAgeMs?: number): Promise<string>;
  close(): void;
}

export interface SecretsOptions {
  env: Environment;
  region: string;
  credentials: Credentials | CredentialSource;
  timeoutMs?: number | undefined;
  /** Epoch ms. */
  now?: (() => number) | undefined;
  pause?: Pause | undefined;
}

/**
 * The secret that an environment names: in `variable` itself, in `<variable>_PARAMETER` or in `<variable>_SECRET`.
 * `null` where there is none. Throws a configuration error where more than one is set.
 */
export function namedSecret(env: Environment, variable: string): SecretName | { value: string } | null {
  const ways = [variable, `${variable}_PARAMETER`, `${variable}_SECRET`] as const;
  const set = ways.filter((each) => env[each]);
  if (set.length > 1) refuse(set.join(' and '), 'are both set', 'a secret comes from one place');
  const [way = ''] = set;
  const value = env[way] ?? '';
  if (value === '') return null;
  if (way === variable) return { value };
  return { store: way.endsWith('_PARAMETER') ? 'parameter' : 'secret', name: value };
}

const STORES = {
  parameter: {
    host: 'ssm',
    variable: 'SSM',
    target: 'AmazonSSM.GetParameter',
    body: (name: string) => ({ Name: name, WithDecryption: true }),
    text: (output: Output) => (output['Parameter'] as Output | undefined)?.['Value'],
    action: 'ssm:GetParameter, and kms:Decrypt with a key of your own,',
    what: 'parameter',
  },
  secret: {
    host: 'secretsmanager',
    variable: 'SECRETS_MANAGER',
    target: 'secretsmanager.GetSecretValue',
    body: (name: string) => ({ SecretId: name }),
    text: (output: Output) => output['SecretString'],
    action: 'secretsmanager:GetSecretValue, and kms:Decrypt with a key of your own,',
    what: 'secret',
  },
} as const;

type Output = Record<string, unknown>;

const NO_TEXT = 'there is no text in it';

/** Secrets by their names, over the function's own credentials. */
export function openSecrets({ env, region, now = Date.now, ...options }: SecretsOptions): Secrets {
  const services = new Map<SecretName['store'], Service>();
  const kept = new Map<string, { text: string; at: number }>();
  const asking = new Map<string, Promise<string>>();

  function serviceOf(store: SecretName['store']): Service {
    const known = services.get(store);
    if (known !== undefined) return known;
    const { host, variable } = STORES[store];
    const endpoint = endpointOf(env, region, host, variable);
    const service = createService({ ...options, service: host, endpoint, region, now });
    services.set(store, service);
    return service;
  }

  async function ask(secret: SecretName, id: string): Promise<string> {
    const at = now();
    const { target, body, text: textOf } = STORES[secret.store];
    const answer = await serviceOf(secret.store).ask({
      type: 'application/x-amz-json-1.1',
      target,
      body: JSON.stringify(body(secret.name)),
    });
    if (!answer.ok) throw unreadable(secret, answer);
    const text = textOf(parsed(answer.text));
    if (typeof text !== 'string' || text.trim() === '')
      throw unreadable(secret, { passing: false, code: NO_TEXT, said: null });
    kept.set(id, { text: text.trim(), at });
    return text.trim();
  }

  return {
    async read(secret, maxAgeMs = Number.POSITIVE_INFINITY) {
      const id = `${secret.store} ${secret.name}`;
      const known = kept.get(id);
      const age = known === undefined ? 0 : now() - known.at;
      if (known !== undefined && age >= 0 && age < maxAgeMs) return known.text;
      let waiting = asking.get(id);
      if (waiting === undefined) {
        waiting = ask(secret, id).finally(() => asking.delete(id));
        asking.set(id, waiting);
      }
      try {
        return await waiting;
      } catch (error) {
        if (known !== undefined && (error as SaasctlError).retryable === true) return known.text;
        throw error;
      }
    },
    close: () => services.forEach((service) => void service.close()),
  };
}

function parsed(text: string): Output {
  try {
    return (JSON.parse(text) ?? {}) as Output;
  } catch {
    // Refused as one without text: what it says may be the secret.
    return {};
  }
}

function unreadable(
  { store, name }: SecretName,
  { passing, code, said }: { passing: boolean; code: string; said: string | null },
): SaasctlError {
  const { what, action } = STORES[store];
  const message = `the ${what} ${name} cannot be read: ${said ?? code}`;
  if (passing) {
    const hint = 'the same call may be made again';
    return new SaasctlError({
      code: 'secret_unavailable',
      category: 'remote',
      message,
      hint,
      retryable: true,
    });
  }
  if (/^AccessDenied/.test(code)) {
    const hint = `the function’s role needs ${action} on it`;
    return new SaasctlError({
      code: 'secret_forbidden',
      category: 'auth',
      message,
      hint,
      next: 'saasctl deploy status',
    });
  }
  const isMissing = /NotFound/.test(code) || code === NO_TEXT;
  return new SaasctlError({
    code: isMissing ? 'secret_missing' : 'secret_refused',
    category: 'config',
    message,
    hint: isMissing
      ? `there is no such ${what} in this account and region, or it holds nothing`
      : 'the function’s credentials or its region are not what the service expects',
    next: name.endsWith('/stripe-key') ? 'saasctl deploy secret stripe-key' : 'saasctl deploy',
  });
}
