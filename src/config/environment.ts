import { didYouMean } from '../core/nearest.ts';
import type { Environment } from './setting.ts';

const PREFIX = 'SAASCTL_';
const SETTINGS = ['SAASCTL_CONFIG', 'SAASCTL_PROFILE', 'SAASCTL_REGION', 'SAASCTL_OUTPUT'];
/** Read elsewhere: by the engine, by the Stripe client, by the deployed handlers. */
const OTHERS = [
  'SAASCTL_ENGINE',
  'SAASCTL_STRIPE_URL',
  'SAASCTL_WEBHOOK_SECRET',
  'SAASCTL_WEBHOOK_SECRET_FILE',
  'SAASCTL_STACK',
  'SAASCTL_MODE',
  'SAASCTL_KEY_PREFIX',
  'SAASCTL_KEY_ENVS',
  'SAASCTL_IMPORTED_KEYS',
  'SAASCTL_AMBIGUOUS',
  'SAASCTL_METRICS',
  'SAASCTL_DEDUPE_DAYS',
  'SAASCTL_COMPUTE_SECONDS',
  'SAASCTL_CURSOR_SECRET',
  'SAASCTL_CURSOR_SECRET_PARAMETER',
  'SAASCTL_SERVES',
  'SAASCTL_TENANT_ROLE_ARN',
  'SAASCTL_JWT_ISSUER',
  'SAASCTL_JWT_AUDIENCE',
  'SAASCTL_JWT_TENANT_CLAIM',
  'SAASCTL_JWT_SCOPES_CLAIM',
  'SAASCTL_JWT_JWKS_URI',
];

/** A warning for each variable that looks like one of ours, misspelt: it would be ignored without a word. */
export function misspeltVariables(env: Environment): string[] {
  const known = [...SETTINGS, ...OTHERS];
  return Object.keys(env)
    .filter((variable) => variable.startsWith(PREFIX) && !known.includes(variable))
    .flatMap((variable) => {
      // Compared without the prefix: it would make any two of them near.
      const names = known.map((name) => name.slice(PREFIX.length));
      const meant = didYouMean(variable.slice(PREFIX.length), names);
      return meant === ''
        ? []
        : [`${variable} is not a setting and is ignored: ${meant.trim().replace('mean ', `mean ${PREFIX}`)}`];
    });
}
