import { SaasctlError } from '../core/errors.ts';
import { KEY_ENVS, KEY_PREFIX, type KeyEnv } from '../core/keys/format.ts';
import type { Log } from './log.ts';
import type { AmbiguousPolicy } from './trust.ts';
import type { CredentialSource, Credentials } from './wire/client.ts';

/** What a function is told by its environment. */
interface Settings {
  stack: string;
  prefix: string;
  envs: KeyEnv[];
  importedKeys: boolean;
  policy: AmbiguousPolicy;
  endpoint: string;
  region: string;
  credentials: Credentials | CredentialSource;
  /** Milliseconds a DynamoDB call may take. */
  timeoutMs: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings in an environment. Throws a configuration error naming the variable and what it may be.
 * `otherCredentials` is where they come from when the environment has no key of its own; without it, it must.
 */
export function parseSettings(
  env: Environment,
  otherCredentials?: (env: Environment) => CredentialSource,
): Settings {
  const region = required(env, 'AWS_REGION');
  return {
    stack: required(env, 'SAASCTL_STACK'),
    prefix: matching(env, 'SAASCTL_KEY_PREFIX', 'anb', KEY_PREFIX),
    envs: keyEnvs(env),
    importedKeys: oneOf(env, 'SAASCTL_IMPORTED_KEYS', ['false', 'true']) === 'true',
    policy: oneOf(env, 'SAASCTL_AMBIGUOUS', ['deny', 'allow']),
    endpoint: endpointOf(env, region, 'dynamodb'),
    region,
    credentials:
      otherCredentials !== undefined && !env['AWS_ACCESS_KEY_ID']
        ? otherCredentials(env)
        : {
            accessKeyId: required(env, 'AWS_ACCESS_KEY_ID'),
            secretAccessKey: required(env, 'AWS_SECRET_ACCESS_KEY'),
            sessionToken: env['AWS_SESSION_TOKEN'] || undefined,
          },
    timeoutMs: Number(matching(env, 'SAASCTL_TIMEOUT_MS', '1000', /^[1-9]\d{1,4}$/)),
  };
}

/** The only place of the runtime that touches `process`: its environment, and stderr, which Lambda logs. */
export const processEnvironment = (): Environment => process.env;
export const processLog: Log = (line) => {
  process.stderr.write(`${JSON.stringify(line)}\n`);
};

/** Runs `stop` when the sandbox is told to end, then lets it, unless somebody else has a say in that. */
export function whenStopped(stop: () => Promise<void>): void {
  process.once('SIGTERM', () => {
    const alone = process.listenerCount('SIGTERM') === 0;
    void stop().finally(() => {
      if (alone) process.exit(0);
    });
  });
}

function required(env: Environment, name: string): string {
  return env[name] || refuse(name, 'is not set', 'the function cannot run without it');
}

function matching(env: Environment, name: string, fallback: string, shape: RegExp): string {
  const value = env[name] || fallback;
  return shape.test(value) ? value : refuse(name, `is '${value}'`, `it must match ${shape.source}`);
}

/** The first choice is the default. */
function oneOf<T extends string>(env: Environment, name: string, choices: readonly [T, ...T[]]): T {
  const value = env[name] || choices[0];
  const choice = choices.find((known) => known === value);
  return choice ?? refuse(name, `is '${value}'`, `it is one of ${choices.join(', ')}`);
}

/** The key environments that an environment takes: at least one. */
export function keyEnvs(env: Environment): [KeyEnv, ...KeyEnv[]] {
  const list = env['SAASCTL_KEY_ENVS'] || 'live';
  const names = list.split(',').map((name) => name.trim());
  const [first, ...more] = KEY_ENVS.filter((known) => names.includes(known));
  if (first !== undefined && names.length === more.length + 1) return [first, ...more];
  return refuse('SAASCTL_KEY_ENVS', `is '${list}'`, 'it is live, test or live,test');
}

/**
 * Where a service answers in a region. `name`: of its `AWS_ENDPOINT_URL_<NAME>` where that is not the host's own.
 * Throws a configuration error.
 */
export function endpointOf(
  env: Environment,
  region: string,
  host: string,
  name = host.toUpperCase(),
): string {
  const own = `AWS_ENDPOINT_URL_${name}`;
  const variable = env[own] ? own : 'AWS_ENDPOINT_URL';
  const china = region.startsWith('cn-') ? '.cn' : '';
  const value = env[variable] || `https://${host}.${region}.amazonaws.com${china}`;
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return value;
  return refuse(variable, `is '${value}'`, 'it is an http or https URL');
}

/** Throws the configuration error for a variable. */
export function refuse(name: string, what: string, hint: string): never {
  const next = 'set it in the function’s environment; saasctl deploy does';
  throw new SaasctlError({ code: 'bad_setting', category: 'config', message: `${name} ${what}`, hint, next });
}
