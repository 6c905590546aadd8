import type { Config } from './load.ts';

/** What our functions are told by their environment, secrets apart. */
export function functionVariables(
  { profile, project }: Pick<Config, 'profile' | 'project'>,
  mode: 'authorizer' | 'inline',
): Record<string, string> {
  const { jwt } = profile;
  return {
    AWS_REGION: profile.region,
    SAASCTL_STACK: profile.stack,
    SAASCTL_KEY_PREFIX: project.keyPrefix,
    SAASCTL_KEY_ENVS: profile.keyEnvs.join(','),
    SAASCTL_IMPORTED_KEYS: String(profile.importedKeys),
    SAASCTL_MODE: mode,
    SAASCTL_METRICS: JSON.stringify(project.metrics),
    SAASCTL_DEDUPE_DAYS: String(project.usage.dedupeDays),
    SAASCTL_COMPUTE_SECONDS: project.usage.computeSeconds ? 'on' : 'off',
    ...(jwt === undefined
      ? {}
      : {
          SAASCTL_JWT_ISSUER: jwt.issuer,
          SAASCTL_JWT_AUDIENCE: [jwt.audience].flat().join(','),
          SAASCTL_JWT_TENANT_CLAIM: jwt.tenantClaim,
          SAASCTL_JWT_SCOPES_CLAIM: jwt.scopesClaim,
          ...(jwt.jwksUri === undefined ? {} : { SAASCTL_JWT_JWKS_URI: jwt.jwksUri }),
        }),
  };
}
