import { type AuthorizerContext, toContext } from '../runtime/authorizer-context.ts';
import type { Gate } from '../runtime/outcome.ts';
import { presentedKey } from '../runtime/presented-key.ts';

/** A simple response of an HTTP API authorizer (payload 2.0). */
export interface AuthorizerResult {
  isAuthorized: boolean;
  context?: AuthorizerContext;
}

/**
 * Answers a REQUEST authorizer event. An authorizer can only say yes or no, so what must become 429 or 503 is
 * let through with `denied` in its context, and `withTenant` answers it; a key that is nobody's stops here.
 */
export async function authorize(event: unknown, gate: Pick<Gate, 'check'>): Promise<AuthorizerResult> {
  const presented = presentedKey(event);
  if (presented.kind !== 'key') return { isAuthorized: false };
  const outcome = await gate.check(presented.key);
  return outcome.outcome === 'refused'
    ? { isAuthorized: false }
    : { isAuthorized: true, context: toContext(outcome) };
}
