import type { RateLimitHeaders } from '../core/gate/limits.ts';
import type { Tenant } from '../core/gate/tenant.ts';
import type { Outcome } from './outcome.ts';

/** What the authorizer hands to `withTenant`: API Gateway carries strings and numbers, so lists are joined. */
export type AuthorizerContext = Record<string, string | number>;

/** What `withTenant` acts upon. A refused key never comes this far: the authorizer answers it. */
export type Verdict = Exclude<Outcome, { outcome: 'refused' }>;

/** A verdict as context; what is unlimited is left out. */
export function toContext(verdict: Verdict): AuthorizerContext {
  switch (verdict.outcome) {
    case 'unavailable':
      return { denied: 'unavailable', retryAfter: verdict.retryAfter };
    case 'limited':
      return {
        denied: verdict.by,
        retryAfter: verdict.retryAfter,
        tenantId: verdict.tenantId,
        ...fromHeaders(verdict.headers),
      };
    case 'allowed': {
      const { tenantId, plan, isolation, keyId, env, scopes, limits, usage } = verdict.tenant;
      const numbers = { ...limits, apiCalls: usage.apiCalls, remaining: usage.remaining };
      const finite = Object.entries(numbers).filter((entry): entry is [string, number] => entry[1] !== null);
      return {
        tenantId,
        plan,
        keyId,
        env,
        scopes: scopes.join(' '),
        ...(isolation === 'pool' ? {} : { isolation }),
        ...Object.fromEntries(finite),
        ...fromHeaders(verdict.headers),
      };
    }
  }
}

/** The verdict in a context, or `null` when it is not one of ours: then nothing may pass. */
export function fromContext(context: unknown): Verdict | null {
  if (typeof context !== 'object' || context === null) return null;
  const read = reader(context as Record<string, unknown>);
  const headers = toHeaders(read.text('rateLimit'), read.text('rateLimitPolicy'));
  if ('denied' in context) {
    const by = read.text('denied');
    const retryAfter = Math.max(1, Math.ceil(read.count('retryAfter') ?? 1));
    if (by === 'unavailable') return { outcome: 'unavailable', retryAfter };
    if (by !== 'rate' && by !== 'quota') return null;
    return { outcome: 'limited', by, tenantId: read.text('tenantId') ?? '', retryAfter, headers };
  }
  const [tenantId, plan, keyId, env] = ['tenantId', 'plan', 'keyId', 'env'].map(read.text);
  const apiCalls = read.count('apiCalls');
  if (!tenantId || !plan || !keyId || (env !== 'live' && env !== 'test') || apiCalls === null) return null;
  const isolation = read.text('isolation') ?? 'pool';
  if (isolation !== 'pool' && isolation !== 'bridge' && isolation !== 'silo') return null;
  const limits = {
    apiCallsPerMonth: read.count('apiCallsPerMonth'),
    storageBytes: read.count('storageBytes'),
    maxUsers: read.count('maxUsers'),
  };
  const scopes = (read.text('scopes') ?? '').split(' ').filter((scope) => scope !== '');
  const usage = { apiCalls, remaining: read.count('remaining') };
  const tenant: Tenant = { tenantId, plan, isolation, limits, keyId, env, scopes, usage };
  return { outcome: 'allowed', tenant, headers };
}

// Some gateways hand every context value on as a string.
function reader(context: Record<string, unknown>) {
  const own = (name: string): unknown => (Object.hasOwn(context, name) ? context[name] : undefined);
  return {
    text(name: string): string | null {
      const value = own(name);
      return typeof value === 'string' ? value : null;
    },
    count(name: string): number | null {
      const value = own(name);
      const number = typeof value === 'string' && value !== '' ? Number(value) : value;
      return typeof number === 'number' && Number.isFinite(number) ? number : null;
    },
  };
}

function fromHeaders(headers: RateLimitHeaders | null): AuthorizerContext {
  if (headers === null) return {};
  return { rateLimit: headers.ratelimit, rateLimitPolicy: headers['ratelimit-policy'] };
}

function toHeaders(ratelimit: string | null, policy: string | null): RateLimitHeaders | null {
  return ratelimit && policy ? { ratelimit, 'ratelimit-policy': policy } : null;
}
