import type { Tenant } from '../core/gate/tenant.ts';
import { fromContext } from './authorizer-context.ts';
import { defaultGate } from './default-gate.ts';
import { addHeaders } from './http-result.ts';
import type { Log } from './log.ts';
import type { Gate, Outcome } from './outcome.ts';
import { presentedKey } from './presented-key.ts';
import { denial, misconfigured, missingKey } from './problem.ts';
import { processLog } from './settings.ts';

/** A payload 2.0 event, as far as it is read here; name your own event type for the rest. */
export interface HttpEvent {
  headers?: Record<string, string | undefined>;
  requestContext?: object;
}

export type TenantHandler<Event, Context> = (event: Event, tenant: Tenant, context: Context) => unknown;

export interface WithTenantOptions {
  /** `authorizer` (default): behind the deployed authorizer. `inline`: asks the gate itself. */
  mode?: 'authorizer' | 'inline' | undefined;
  /** The gate to ask in inline mode; by default the one that the function's environment describes. */
  gate?: Pick<Gate, 'check'> | undefined;
  /** By default one JSON line on stderr. */
  log?: Log | undefined;
}

/**
 * A Lambda handler for an HTTP API that lets only authorised and counted calls through to `handler`, and tells
 * it whose they are. It answers the others itself (401, 403, 429, 503) and adds the RateLimit headers.
 * What `handler` throws is passed on.
 */
export function withTenant<Event extends HttpEvent = HttpEvent, Context = unknown>(
  handler: TenantHandler<Event, Context>,
  options: WithTenantOptions = {},
): (event: Event, context: Context) => Promise<unknown> {
  const { log = processLog } = options;
  const judge = options.mode === 'inline' ? inline(options.gate) : authorized(log);

  return async (event, context) => {
    const verdict = await judge(event);
    if ('statusCode' in verdict) return verdict;
    if (verdict.outcome !== 'allowed') return denial(verdict);
    const result = await handler(event, verdict.tenant, context);
    return verdict.headers === null ? result : addHeaders(result, { ...verdict.headers });
  };
}

type Judge = (event: HttpEvent) => Promise<Outcome | ReturnType<typeof denial>>;

function inline(given: Pick<Gate, 'check'> | undefined): Judge {
  // Opened while the sandbox starts, when nobody waits for it.
  if (given === undefined) void defaultGate().warm();
  return async (event) => {
    const presented = presentedKey(event);
    if (presented.kind === 'none') return missingKey();
    if (presented.kind === 'unusable') return { outcome: 'refused', reason: 'malformed' };
    return (given ?? defaultGate()).check(presented.key);
  };
}

/** Trusts the authorizer's context alone: headers and body are the caller's to forge. */
function authorized(log: Log): Judge {
  return async (event) => {
    const context = (event as { requestContext?: { authorizer?: { lambda?: unknown } | null } | null } | null)
      ?.requestContext?.authorizer?.lambda;
    const verdict = fromContext(context);
    if (verdict !== null) return verdict;
    const message =
      'The event carries no context of the saasctl authorizer: attach the authorizer to this route, or use ' +
      "withTenant(handler, { mode: 'inline' }).";
    log({ level: 'error', event: 'no_authorizer_context', message });
    return misconfigured();
  };
}
