import type { Tenant } from '../core/gate/tenant.ts';
import { fromContext } from './authorizer-context.ts';
import { onBehalfOf } from './caller.ts';
import { defaultGate } from './default-gate.ts';
import { addHeaders } from './http-result.ts';
import type { Bearer } from './jwt/bearer.ts';
import { defaultBearer } from './jwt/default-bearer.ts';
import type { Log } from './log.ts';
import type { Gate, Outcome } from './outcome.ts';
import { presentedKey, presentedToken } from './presented-key.ts';
import { denial, keyAndToken, misconfigured, missingKey, missingKeyOrToken } from './problem.ts';
import { isServed, servesFrom } from './serves.ts';
import { processEnvironment, processLog } from './settings.ts';
import { directMeter, ridingMeter } from './usage/default-meter.ts';
import type { ComputeMeter } from './usage/meter.ts';

/** A payload 2.0 event, as far as it is read here; name your own event type for the rest. */
export interface HttpEvent {
  headers?: Record<string, string | undefined>;
  requestContext?: object;
}

export type TenantHandler<Event, Context> = (event: Event, tenant: Tenant, context: Context) => unknown;

export interface WithTenantOptions<Event extends HttpEvent = HttpEvent> {
  /** `authorizer` (default): behind the deployed authorizer. `inline`: asks the gate itself. */
  mode?: 'authorizer' | 'inline' | undefined;
  /** The gate to ask in inline mode; by default the one that the function's environment describes. */
  gate?: Pick<Gate, 'check'> | undefined;
  /** Takes bearer tokens in inline mode; by default as the environment says, `null`: none are taken. */
  bearer?: Bearer | null | undefined;
  /**
   * The tenant that a call is about, such as one in its path: a caller who is another is refused like a bad key,
   * though counted.
   */
  tenantOf?: ((event: Event) => string | undefined) | undefined;
  /**
   * Lets `tenantData` and usage be of other tenants than the caller, for routes of an operator's own; otherwise they
   * throw `Forbidden` in all that the handler does.
   */
  crossTenant?: boolean | undefined;
  /** Counts the time that handlers take; by default as the environment says, `null`: not at all. */
  meter?: ComputeMeter | null | undefined;
  /** By default one JSON line on stderr. */
  log?: Log | undefined;
}

/**
 * A Lambda handler for an HTTP API that lets only authorised and counted calls through to `handler`, and tells
 * it whose they are. It answers the others itself (401, 403, 429, 503) and adds the RateLimit headers. A tenant that
 * this function does not serve (`SAASCTL_SERVES`) is refused like a bad key, though counted.
 * What `handler` throws is passed on. Throws a configuration error for a `SAASCTL_SERVES` that says nothing.
 */
export function withTenant<Event extends HttpEvent = HttpEvent, Context = unknown>(
  handler: TenantHandler<Event, Context>,
  options: WithTenantOptions<Event> = {},
): (event: Event, context: Context) => Promise<unknown> {
  const { log = processLog, tenantOf } = options;
  const serves = servesFrom(processEnvironment());
  const judge = options.mode === 'inline' ? inline(options) : authorized(log);

  const meter = meterFor(options);

  return async (event, context) => {
    const flushed = meter?.flush();
    try {
      const verdict = await judge(event);
      if ('statusCode' in verdict) return verdict;
      if (verdict.outcome !== 'allowed') return denial(verdict);
      const { tenant, headers } = verdict;
      if (!isServed(serves, tenant)) return denial(MALFORMED);
      if (tenantOf !== undefined && tenantOf(event) !== tenant.tenantId) return denial(MALFORMED);
      const handled = () => handler(event, tenant, context);
      const bound = options.crossTenant === true ? handled : () => onBehalfOf(tenant.tenantId, handled);
      const result = await timed(meter, tenant.tenantId, bound);
      return headers === null ? result : addHeaders(result, { ...headers });
    } finally {
      // Not left for later: once the answer is out, the sandbox may be frozen.
      await flushed;
    }
  };
}

/** A gate given by the caller has its own rider, if any: only the default one carries the default meter's time. */
function meterFor({ mode, meter, gate }: Way): ComputeMeter | null {
  if (meter !== undefined) return meter;
  if (mode !== 'inline') return directMeter();
  return gate === undefined ? ridingMeter() : null;
}

/** Runs a handler and counts its time, in whole ms and at least one, whether it succeeds or throws. */
async function timed<T>(meter: ComputeMeter | null, tenantId: string, run: () => T): Promise<Awaited<T>> {
  if (meter === null) return await run();
  const start = performance.now();
  try {
    return await run();
  } finally {
    await meter.spent(tenantId, Math.max(1, Math.ceil(performance.now() - start)));
  }
}

type Way = Pick<WithTenantOptions, 'mode' | 'gate' | 'bearer' | 'meter'>;
type Judge = (event: HttpEvent) => Promise<Outcome | ReturnType<typeof denial>>;

function inline({ gate, bearer = gate === undefined ? defaultBearer() : null }: Way): Judge {
  // Opened while the sandbox starts, when nobody waits for it.
  if (gate === undefined) void defaultGate().warm();
  return async (event) => {
    const key = presentedKey(event);
    // Where no tokens are taken the header is the customer's own.
    const token = bearer === null ? null : presentedToken(event);
    if (bearer === null || token === null || token.kind === 'none') {
      if (key.kind === 'none') return bearer === null ? missingKey() : missingKeyOrToken();
      return key.kind === 'key' ? (gate ?? defaultGate()).check(key.key) : MALFORMED;
    }
    if (key.kind !== 'none') return keyAndToken();
    return token.kind === 'token' ? bearer.check(token.token) : MALFORMED;
  };
}

const MALFORMED: Outcome & { outcome: 'refused' } = { outcome: 'refused', reason: 'malformed' };

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
