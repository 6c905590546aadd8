import { isTrustedUrl } from '../../core/jwt.ts';
import { type Environment, refuse } from '../settings.ts';

/** Whose tokens are taken, for whom they must be, and what in them says who calls. */
export interface JwtSettings {
  /** Equal to `iss`, character by character. */
  issuer: string;
  /** At least one of them must be in `aud`. */
  audience: string[];
  tenantClaim: string;
  scopesClaim: string;
  /** `null`: found by OIDC discovery. */
  jwksUri: string | null;
}

/** The JWT settings in an environment; `null` where it takes none. Throws a configuration error as `parseSettings`. */
export function parseJwtSettings(env: Environment): JwtSettings | null {
  const issuer = env['SAASCTL_JWT_ISSUER'];
  if (!issuer) return null;
  const jwksUri = env['SAASCTL_JWT_JWKS_URI'] || null;
  checkUrl('SAASCTL_JWT_ISSUER', issuer);
  if (jwksUri !== null) checkUrl('SAASCTL_JWT_JWKS_URI', jwksUri);
  const audience = (env['SAASCTL_JWT_AUDIENCE'] ?? '').split(',').map((each) => each.trim());
  if (audience.some((each) => each === ''))
    refuse('SAASCTL_JWT_AUDIENCE', 'names no audience', 'it is one, or several with commas between');
  const tenantClaim = env['SAASCTL_JWT_TENANT_CLAIM'];
  if (!tenantClaim) refuse('SAASCTL_JWT_TENANT_CLAIM', 'is not set', 'it names the claim with the tenant id');
  return { issuer, audience, tenantClaim, scopesClaim: env['SAASCTL_JWT_SCOPES_CLAIM'] || 'scope', jwksUri };
}

function checkUrl(name: string, value: string): void {
  if (!isTrustedUrl(value))
    refuse(name, `is '${value}'`, 'it is an https URL; http is for 127.0.0.1 and localhost');
}
