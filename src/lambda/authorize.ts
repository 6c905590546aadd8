import { type AuthorizerContext, toContext } from '../runtime/authorizer-context.ts';
import type { Bearer } from '../runtime/jwt/bearer.ts';
import type { Gate } from '../runtime/outcome.ts';
import { presentedKey, presentedToAuthorizer } from '../runtime/presented-key.ts';

/** A simple response of an HTTP API authorizer (payload 2.0). */
export interface AuthorizerResult {
  isAuthorized: boolean;
  context?: AuthorizerContext;
}

/**
 * Answers a REQUEST authorizer event. An authorizer can only say yes or no, so what must become 429 or 503 is
 * let through with `denied` in its context, and `withTenant` answers it; a key or token that is nobody's stops
 * here. One function stands behind two authorizers where tokens are taken, and goes by what it was asked about.
 */
export async function authorize(
  event: unknown,
  gate: Pick<Gate, 'check'>,
  bearer: Bearer | null = null,
): Promise<AuthorizerResult> {
  const presented = bearer === null ? presentedKey(event) : presentedToAuthorizer(event);
  if (presented.kind === 'none' || presented.kind === 'unusable') return { isAuthorized: false };
  const outcome =
    presented.kind === 'key'
      ? await gate.check(presented.key)
      : await (bearer as Bearer).check(presented.token);
  return outcome.outcome === 'refused'
    ? { isAuthorized: false }
    : { isAuthorized: true, context: toContext(outcome) };
}
