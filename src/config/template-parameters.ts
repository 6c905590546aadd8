import { usageError } from '../core/errors.ts';
import { setupWanted } from './billing-settings.ts';
import { functionVariables } from './function-env.ts';
import type { Config } from './load.ts';
import { codeBucketName } from './stack-names.ts';

type Settings = Pick<Config, 'profile' | 'project'>;

/** What the templates call what the functions are told by their environment. */
const BY_VARIABLE = {
  SAASCTL_KEY_PREFIX: 'KeyPrefix',
  SAASCTL_KEY_ENVS: 'KeyEnvs',
  SAASCTL_IMPORTED_KEYS: 'ImportedKeys',
  SAASCTL_METRICS: 'Metrics',
  SAASCTL_DEDUPE_DAYS: 'DedupeDays',
  SAASCTL_COMPUTE_SECONDS: 'ComputeSeconds',
  SAASCTL_JWT_ISSUER: 'JwtIssuer',
  SAASCTL_JWT_AUDIENCE: 'JwtAudience',
  SAASCTL_JWT_TENANT_CLAIM: 'JwtTenantClaim',
  SAASCTL_JWT_SCOPES_CLAIM: 'JwtScopesClaim',
  SAASCTL_JWT_JWKS_URI: 'JwtJwksUri',
} as const;

/** Lambda takes 4 KB of environment in all, CloudFormation 4 KB a parameter. */
const LONGEST = 3_000;

/**
 * The settings of a profile by the names of the templates' parameters. Every one has a value, '' where the profile
 * has none: a setting that was taken out of the file must not live on in the stack. Secrets are named, never held.
 * `billing`: whether the sync has a key to bill with; without one it is not deployed.
 */
export function templateParameters(config: Settings, billing: boolean): Record<string, string> {
  const { profile } = config;
  const { stack, deploy } = profile;
  const variables = functionVariables(config, 'authorizer');
  const told = Object.fromEntries(
    Object.entries(BY_VARIABLE).map(([variable, name]) => [name, variables[variable] ?? '']),
  );
  const named = deploy?.stripeKey;
  const secret = named !== undefined && 'secret' in named ? named.secret : '';
  const parameters = {
    ...told,
    Stack: stack,
    BucketName: codeBucketName(profile),
    CodeBucket: codeBucketName(profile),
    BillingSettings: billing ? billingSettings(config) : '',
    StripeKeyParameter: secret === '' ? stripeKeyParameter(profile) : '',
    StripeKeySecret: secret,
    CursorSecretParameter: cursorSecretParameter(stack),
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (Buffer.byteLength(value) <= LONGEST) continue;
    throw usageError(
      'setting_too_long',
      `the settings for ${name} are ${Buffer.byteLength(value)} bytes long`,
      {
        hint: `a function’s environment holds 4 KB in all: at most ${LONGEST} of one setting; shorten "metrics" or "billing"`,
        next: 'saasctl config show --origin',
      },
    );
  }
  return parameters;
}

/** What the scheduled sync is told: `SAASCTL_BILLING`; '' where the project bills nothing. */
function billingSettings(config: Settings): string {
  const { project, profile } = config;
  const { meters } = setupWanted(config);
  if (meters.length === 0) return '';
  const { finalInvoice, eventsPerSecond } = project.billing;
  const mode = profile.stripe === 'live' ? 'live' : 'test';
  return JSON.stringify({
    mode,
    meters,
    finalInvoice,
    ...(eventsPerSecond === undefined ? {} : { eventsPerSecond }),
  });
}

/** The SSM parameter with the Stripe key. */
export const stripeKeyParameter = ({ stack, deploy }: Config['profile']): string =>
  deploy?.stripeKey !== undefined && 'parameter' in deploy.stripeKey
    ? deploy.stripeKey.parameter
    : `/saasctl/${stack}/stripe-key`;

/** The SSM parameter with the secret that signs cursors; made at the first deploy, never written again. */
export const cursorSecretParameter = (stack: string): string => `/saasctl/${stack}/cursor-secret`;
