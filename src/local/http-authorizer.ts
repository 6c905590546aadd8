import type { FunctionPool } from './function-pool.ts';
import { gatewayAnswer, type HttpAnswer, SERVER_ERROR } from './http-answer.ts';
import { ACCOUNT_ID, API_ID, type RequestFacts } from './http-event.ts';

/** Identity sources of the two authorizers, `$request.header.x-api-key` and `$request.header.Authorization`. */
const KEY_HEADER = 'x-api-key';
const TOKEN_HEADER = 'authorization';

/** Allowed with the authorizer's context, or the answer that API Gateway gives instead. */
export type Authorization =
  | { allowed: true; context: Record<string, unknown> | null }
  | { allowed: false; answer: HttpAnswer };

/**
 * Asks a REQUEST authorizer (payload format 2.0, simple response), as an HTTP API does, never caching. With
 * `tokens` the route is two in one: a request without a key is one for the authorizer of tokens.
 */
export async function authorize(
  pool: FunctionPool,
  facts: RequestFacts,
  tokens: boolean,
): Promise<Authorization> {
  const identity = facts.headers[KEY_HEADER] || (tokens && facts.headers[TOKEN_HEADER]);
  // Without its identity source a request is refused before anything runs.
  if (!identity) return refused(unauthorized(tokens));
  const outcome = await pool.invoke(authorizerEvent(facts, identity));
  const response = outcome.ok ? simpleResponse(outcome.payload) : null;
  if (response === null) return refused(SERVER_ERROR);
  if (!response.isAuthorized) return refused(gatewayAnswer(403, 'Forbidden'));
  return { allowed: true, context: response.context };
}

const refused = (answer: HttpAnswer): Authorization => ({ allowed: false, answer });

function unauthorized(tokens: boolean): HttpAnswer {
  const answer = gatewayAnswer(401, 'Unauthorized');
  return tokens ? { ...answer, headers: [...answer.headers, ['www-authenticate', 'Bearer']] } : answer;
}

function authorizerEvent(facts: RequestFacts, identity: string): Record<string, unknown> {
  const { method, path } = facts.requestContext.http;
  return {
    version: '2.0',
    type: 'REQUEST',
    routeArn: `arn:aws:execute-api:us-east-1:${ACCOUNT_ID}:${API_ID}/$default/${method}${path}`,
    identitySource: [identity],
    routeKey: '$default',
    ...facts,
  };
}

function simpleResponse(
  payload: string,
): { isAuthorized: boolean; context: Record<string, unknown> | null } | null {
  try {
    const { isAuthorized, context } = (JSON.parse(payload) ?? {}) as Record<string, unknown>;
    if (typeof isAuthorized !== 'boolean') return null;
    if (typeof context !== 'object' || context === null) return { isAuthorized, context: null };
    return { isAuthorized, context: context as Record<string, unknown> };
  } catch {
    return null;
  }
}
