import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Backend, Deps, HttpApiOptions } from '../commands/context.ts';
import type { Config } from '../config/load.ts';
import type { World } from '../deps.ts';

export async function startHttpApi(
  packageRoot: string,
  { cwd, io: { env: own } }: World,
  config: Config,
  backend: Backend,
  options: HttpApiOptions,
) {
  const local = await import('../local/http-api.ts');
  const { functionVariables } = await import('../config/function-env.ts');
  const env = {
    ...functionVariables(config, options.mode),
    ...(await backend.credentials()),
    ...(backend.endpoint === null ? {} : { AWS_ENDPOINT_URL_DYNAMODB: backend.endpoint }),
    SAASCTL_CURSOR_SECRET: own['SAASCTL_CURSOR_SECRET'] || randomBytes(32).toString('base64url'),
  };
  const built = (name: string) => join(packageRoot, 'dist', name);
  return local.startHttpApi({
    port: options.port,
    sandbox: built('local/sandbox.mjs'),
    ...(options.mode === 'inline'
      ? {}
      : { authorizer: { name: 'authorizer', file: built('lambda/authorizer.mjs'), env } }),
    tokens: config.profile.jwt !== undefined,
    handler: {
      name: 'handler',
      file: await handlerFile(options.handlerFile, cwd, built('local/sample-handler.mjs')),
      // A handler of the user's has the user's own variables, as a function has those of its configuration.
      env: options.handlerFile === null ? env : { ...defined(own), ...env },
    },
    log: options.log,
  });
}

const defined = (env: Deps['env']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

async function handlerFile(given: string | null, cwd: string, sample: string): Promise<string> {
  if (given === null) return sample;
  const { readableHandler } = await import('../adapters/handler-file.ts');
  return readableHandler(resolve(cwd, given));
}
