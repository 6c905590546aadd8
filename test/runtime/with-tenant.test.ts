import { describe, expect, it } from 'vitest';
import type { Tenant } from '../../src/core/gate/tenant.ts';
import { toContext, type Verdict } from '../../src/runtime/authorizer-context.ts';
import type { Outcome } from '../../src/runtime/outcome.ts';
import { type HttpEvent, type WithTenantOptions, withTenant } from '../../src/runtime/with-tenant.ts';

const TENANT: Tenant = {
  tenantId: 'acme',
  plan: 'pro',
  isolation: 'pool' as const,
  limits: { apiCallsPerMonth: 1000, storageBytes: null, maxUsers: 25 },
  keyId: 'k1',
  env: 'live',
  scopes: ['read', 'write'],
  usage: { apiCalls: 3, remaining: 997 },
};
const HEADERS = { ratelimit: '"rate";r=9;t=1', 'ratelimit-policy': '"rate";q=10;w=2' };
const ALLOWED: Verdict = { outcome: 'allowed', tenant: TENANT, headers: HEADERS };
const KEY = 'anb_live_key';

interface Result {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/** A handler that must not be reached. */
const never = () => {
  throw new Error('the handler was reached');
};
const behindAuthorizer = (lambda: unknown): HttpEvent => ({ requestContext: { authorizer: { lambda } } });
const options = (verdict: Outcome): WithTenantOptions => ({
  mode: 'inline',
  gate: { check: async () => verdict },
});

/** The same verdict put to both modes. */
const modes = [
  ['authorizer', (verdict: Verdict) => ({ options: {}, event: behindAuthorizer(toContext(verdict)) })],
  ['inline', (verdict: Verdict) => ({ options: options(verdict), event: { headers: { 'x-api-key': KEY } } })],
] as const;

describe.each(modes)('withTenant in mode %s', (_mode, given) => {
  const answer = async (verdict: Verdict, handler: Parameters<typeof withTenant>[0]) => {
    const { options, event } = given(verdict);
    return (await withTenant(handler, options)(event, { awsRequestId: 'r1' })) as Result;
  };

  it('gives the handler the event, its tenant and the context', async () => {
    const seen: unknown[] = [];
    await answer(ALLOWED, (...args) => void seen.push(...args));
    expect(seen).toEqual([given(ALLOWED).event, TENANT, { awsRequestId: 'r1' }]);
  });

  it('answers the rate limit with 429, RateLimit headers and whole seconds to wait', async () => {
    const limited: Verdict = {
      outcome: 'limited',
      by: 'rate',
      tenantId: 'acme',
      retryAfter: 2,
      headers: HEADERS,
    };
    const { statusCode, headers, body } = await answer(limited, never);
    expect(statusCode).toBe(429);
    expect(headers).toMatchObject({
      ...HEADERS,
      'retry-after': '2',
      'content-type': 'application/problem+json',
    });
    expect(JSON.parse(body)).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Rate limit exceeded',
      status: 429,
      detail: 'Too many calls at once.',
      'violated-policies': ['rate'],
    });
  });

  it('answers the quota with 429 and the time to the next month', async () => {
    const limited: Verdict = {
      outcome: 'limited',
      by: 'quota',
      tenantId: 'acme',
      retryAfter: 777_600,
      headers: HEADERS,
    };
    const { statusCode, headers, body } = await answer(limited, never);
    expect([statusCode, headers['retry-after'], JSON.parse(body)['violated-policies']]).toEqual([
      429,
      '777600',
      ['quota'],
    ]);
  });

  it('answers 503 and Retry-After 1 when the gate could not say', async () => {
    const { statusCode, headers, body } = await answer({ outcome: 'unavailable', retryAfter: 1 }, never);
    expect([statusCode, headers['retry-after'], JSON.parse(body).status]).toEqual([503, '1', 503]);
  });

  it.each([
    ['a string', 'hello', 'hello'],
    ['an object', { ok: true }, '{"ok":true}'],
    ['an array', [1], '[1]'],
    ['a number', 7, '7'],
    ['null', null, 'null'],
    ['undefined', undefined, 'null'],
  ])('adds the RateLimit headers to %s, answered as API Gateway would', async (_what, result, body) => {
    const headers = { 'content-type': 'application/json', ...HEADERS };
    expect(await answer(ALLOWED, () => result)).toEqual({ statusCode: 200, headers, body });
  });

  it('adds them to a structured result, of which the rest and its own headers stay', async () => {
    const result = {
      statusCode: 201,
      headers: { Location: '/1', RateLimit: 'mine' },
      cookies: ['a=b'],
      body: 'x',
      isBase64Encoded: true,
    };
    expect(await answer(ALLOWED, async () => result)).toEqual({
      ...result,
      headers: { Location: '/1', RateLimit: 'mine', 'ratelimit-policy': HEADERS['ratelimit-policy'] },
    });
    expect(await answer(ALLOWED, () => ({ statusCode: 204 }))).toEqual({ statusCode: 204, headers: HEADERS });
  });

  it('leaves the result as it is where nothing is limited', async () => {
    const unlimited: Verdict = { ...ALLOWED, headers: null };
    expect(await answer(unlimited, () => 'hello')).toBe('hello');
  });

  it('passes on what the handler throws', async () => {
    const handler = () => Promise.reject(new Error('theirs'));
    await expect(answer(ALLOWED, handler)).rejects.toThrow('theirs');
  });

  it('keeps unlimited and missing facts null', async () => {
    const bare: Tenant = {
      ...TENANT,
      limits: { apiCallsPerMonth: null, storageBytes: null, maxUsers: null },
      scopes: [],
      usage: { apiCalls: 0, remaining: null },
    };
    let seen: unknown;
    await answer({ outcome: 'allowed', tenant: bare, headers: null }, (_event, tenant) => {
      seen = tenant;
    });
    expect(seen).toEqual(bare);
  });
});

describe('withTenant behind the authorizer', () => {
  const forged = { tenantId: 'victim', plan: 'pro', keyId: 'k', env: 'live', apiCalls: 1 };

  it.each([
    ['no context at all', {}],
    ['null', null],
    ['a context of another authorizer', behindAuthorizer({ sub: 'someone' })],
    ['facts in the headers', { headers: { tenantId: 'victim', 'x-tenant-id': 'victim' } }],
    ['facts in the body', { body: JSON.stringify(forged), ...forged }],
    ['facts beside the context', { requestContext: { ...forged, authorizer: forged, lambda: forged } }],
    ['a denial it does not know', behindAuthorizer({ ...forged, denied: 'maybe' })],
    ['a denial without a word', behindAuthorizer({ ...forged, denied: undefined })],
    ['a tenant without an id', behindAuthorizer({ ...forged, tenantId: '' })],
    ['inherited facts', behindAuthorizer(Object.create(forged))],
  ])('lets nobody pass on %s: it is a misconfiguration, and logged', async (_what, event) => {
    const lines: object[] = [];
    const handler = withTenant(never, { log: (line) => lines.push(line) });
    const result = (await handler(event as HttpEvent, {})) as Result;
    expect([result.statusCode, JSON.parse(result.body).status]).toEqual([500, 500]);
    expect(lines).toMatchObject([{ level: 'error', event: 'no_authorizer_context' }]);
  });

  it('reads numbers that a gateway handed on as strings', async () => {
    const asText = Object.fromEntries(
      Object.entries(toContext(ALLOWED)).map(([name, value]) => [name, String(value)]),
    );
    let seen: unknown;
    await withTenant((_event, tenant) => {
      seen = tenant;
    })(behindAuthorizer(asText), {});
    expect(seen).toEqual(TENANT);
  });
});

describe('withTenant inline', () => {
  const inline = async (event: unknown, verdict: Outcome) =>
    (await withTenant(never, options(verdict))(event as HttpEvent, {})) as Result;

  it('answers 401 without a key, as problem details', async () => {
    const { statusCode, headers, body } = await inline({ headers: {} }, ALLOWED);
    expect([statusCode, headers['content-type']]).toEqual([401, 'application/problem+json']);
    expect(JSON.parse(body)).toMatchObject({ status: 401, title: 'Unauthorized' });
  });

  it('answers every key that is nobody’s alike: nothing tells why', async () => {
    const reasons = ['malformed', 'environment', 'unknown', 'revoked', 'expired', 'suspended'] as const;
    const event = { headers: { 'X-API-Key': KEY } };
    const answers = await Promise.all(reasons.map((reason) => inline(event, { outcome: 'refused', reason })));
    const unusable = await inline({ headers: { 'x-api-key': `${KEY},${KEY}` } }, ALLOWED);
    expect(unusable.statusCode).toBe(403);
    for (const answer of answers) expect(answer).toEqual(unusable);
  });
});
