import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Tenant } from '../../src/core/gate/tenant.ts';
import { toContext } from '../../src/runtime/authorizer-context.ts';
import { isServed, servesFrom } from '../../src/runtime/serves.ts';
import { type HttpEvent, withTenant } from '../../src/runtime/with-tenant.ts';

const tenant = (tenantId: string, isolation: Tenant['isolation']): Tenant => ({
  tenantId,
  plan: 'pro',
  isolation,
  limits: { apiCallsPerMonth: null, storageBytes: null, maxUsers: null },
  keyId: 'k1',
  env: 'live',
  scopes: [],
  usage: { apiCalls: 3, remaining: null },
});
const ACME = tenant('acme', 'pool');
const HOOLI = tenant('hooli', 'bridge');
const INITECH = tenant('initech', 'silo');
const UMBRELLA = tenant('umbrella', 'silo');
const ALL = [ACME, HOOLI, INITECH, UMBRELLA];

beforeEach(() => void vi.stubEnv('SAASCTL_COMPUTE_SECONDS', 'off'));
afterEach(() => vi.unstubAllEnvs());

/** A call of a tenant, as it comes to a handler in each mode. */
const modes = [
  [
    'behind the authorizer',
    (caller: Tenant) => ({
      options: {},
      event: {
        requestContext: {
          authorizer: { lambda: toContext({ outcome: 'allowed', tenant: caller, headers: null }) },
        },
      },
    }),
  ],
  [
    'inline',
    (caller: Tenant) => ({
      options: {
        mode: 'inline' as const,
        gate: { check: async () => ({ outcome: 'allowed' as const, tenant: caller, headers: null }) },
      },
      event: { headers: { 'x-api-key': 'anb_live_key' } },
    }),
  ],
] as const;

describe.each(modes)('a function %s', (_mode, calls) => {
  const answer = async (caller: Tenant) => {
    const { options, event } = calls(caller);
    return (await withTenant(() => ({ statusCode: 200 }), options)(event as HttpEvent, {})) as {
      statusCode: number;
    };
  };
  const served = async () => {
    const answers = await Promise.all(ALL.map(answer));
    return ALL.filter((_, at) => answers[at]?.statusCode === 200).map(({ tenantId }) => tenantId);
  };

  it.each([
    ['', ['acme', 'hooli', 'initech', 'umbrella']],
    ['pool', ['acme', 'hooli']],
    ['silo:initech', ['initech']],
    ['silo:acme', ['acme']],
    ['silo:init', []],
  ])('that serves %j', async (serves, tenants) => {
    vi.stubEnv('SAASCTL_SERVES', serves);
    expect(await served()).toEqual(tenants);
  });

  it('answers whom it does not serve like a bad key: nothing tells where the tenant lives', async () => {
    const refused = { outcome: 'refused', reason: 'unknown' } as const;
    const inline = withTenant(() => null, { mode: 'inline', gate: { check: async () => refused } });
    const badKey = await inline({ headers: { 'x-api-key': 'anb_live_key' } }, {});
    vi.stubEnv('SAASCTL_SERVES', 'pool');
    expect(await answer(INITECH)).toEqual(badKey);
    vi.stubEnv('SAASCTL_SERVES', 'silo:initech');
    for (const other of [ACME, HOOLI, UMBRELLA]) expect(await answer(other)).toEqual(badKey);
  });
});

describe('a forged context', () => {
  const call = (lambda: unknown) =>
    withTenant(() => ({ statusCode: 200 }), { log: () => {} })(
      { requestContext: { authorizer: { lambda } } } as HttpEvent,
      {},
    ) as Promise<{ statusCode: number }>;
  const genuine = toContext({ outcome: 'allowed', tenant: INITECH, headers: null });

  it.each([
    ['another tenant', { ...genuine, tenantId: 'acme' }, 403],
    ['a longer id', { ...genuine, tenantId: 'initech-2' }, 403],
    ['a shorter id', { ...genuine, tenantId: 'initec' }, 403],
    ['another spelling', { ...genuine, tenantId: 'Initech' }, 403],
    ['the id with a space', { ...genuine, tenantId: 'initech ' }, 403],
    [
      'an inherited id',
      Object.assign(Object.create({ tenantId: 'initech' }), { ...genuine, tenantId: '' }),
      500,
    ],
    ['a list', { ...genuine, tenantId: ['initech'] }, 500],
    ['its own', genuine, 200],
  ])('of %s is answered %3$i by a silo', async (_what, lambda, status) => {
    vi.stubEnv('SAASCTL_SERVES', 'silo:initech');
    expect((await call(lambda)).statusCode).toBe(status);
  });

  it.each([
    ['an isolation that there is not', { ...genuine, isolation: 'none' }, 500],
    ['another spelling', { ...genuine, isolation: 'SILO' }, 500],
    ['silo', genuine, 403],
  ])('with %s is answered %3$i by the pool', async (_what, lambda, status) => {
    vi.stubEnv('SAASCTL_SERVES', 'pool');
    expect((await call(lambda)).statusCode).toBe(status);
  });
});

describe('SAASCTL_SERVES', () => {
  it.each([
    'all',
    'silo',
    'silo:',
    'silo:A',
    'silo:a b',
    'Pool',
    'pool,silo:initech',
    'silo:initech,umbrella',
  ])('%j says nothing: the function does not start', (value) => {
    vi.stubEnv('SAASCTL_SERVES', value);
    expect(() => withTenant(() => null)).toThrow(expect.objectContaining({ code: 'bad_setting' }));
    expect(() => servesFrom({ SAASCTL_SERVES: value })).toThrow('SAASCTL_SERVES');
  });

  it('leaves a tenant of neither kind to nobody but its own', () => {
    for (const serves of [
      servesFrom({ SAASCTL_SERVES: 'pool' }),
      servesFrom({ SAASCTL_SERVES: 'silo:initech' }),
    ])
      expect(isServed(serves, UMBRELLA)).toBe(false);
  });
});
