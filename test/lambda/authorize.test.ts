import { expect, it } from 'vitest';
import { authorize } from '../../src/lambda/authorize.ts';
import { createGate } from '../../src/runtime/gate.ts';
import type { Outcome } from '../../src/runtime/outcome.ts';
import { gateFixture, keyFixture, mappingFixture, NOON, putGate, putKey, STACK } from '../fixtures/gate.ts';
import { memoryWire } from '../runtime/memory-dynamo.ts';

const saying = (outcome: Outcome) => ({ check: async () => outcome });
const event = (key: string) => ({ version: '2.0', type: 'REQUEST', headers: { 'x-api-key': key } });

it('allows a good key and hands on everything withTenant needs, as strings and numbers', async () => {
  const { wire } = memoryWire();
  const gate = createGate({
    wire,
    stack: STACK,
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'deny',
    log: () => {},
    now: () => NOON,
  });
  await putGate(
    wire,
    gateFixture({
      limit: 1000,
      calls: 1000,
      users: 25,
      k: { k1: keyFixture({ perSecond: 50, burst: 100 }, { sc: 'a b' }) },
    }),
  );
  const rest = 8 * 86_400 + 43_200;
  expect(await authorize(event(await putKey(wire, mappingFixture())), gate)).toEqual({
    isAuthorized: true,
    context: {
      tenantId: 'acme',
      plan: 'pro',
      keyId: 'k1',
      env: 'live',
      scopes: 'a b',
      apiCallsPerMonth: 1000,
      maxUsers: 25,
      apiCalls: 1,
      remaining: 999,
      rateLimit: `"rate";r=99;t=1, "quota";r=999;t=${rest}`,
      rateLimitPolicy: '"rate";q=100;w=2, "quota";q=1000;w=2592000',
    },
  });
});

it('refuses what is nobody’s key, without a word', async () => {
  const reasons = ['malformed', 'environment', 'unknown', 'revoked', 'expired', 'suspended'] as const;
  for (const reason of reasons) {
    expect(await authorize(event('key'), saying({ outcome: 'refused', reason }))).toEqual({
      isAuthorized: false,
    });
  }
});

it('lets through what only withTenant can answer', async () => {
  const headers = { ratelimit: 'r', 'ratelimit-policy': 'p' };
  const limited: Outcome = { outcome: 'limited', by: 'quota', tenantId: 'acme', retryAfter: 9, headers };
  expect(await authorize(event('key'), saying(limited))).toEqual({
    isAuthorized: true,
    context: { denied: 'quota', retryAfter: 9, tenantId: 'acme', rateLimit: 'r', rateLimitPolicy: 'p' },
  });
  expect(await authorize(event('key'), saying({ outcome: 'unavailable', retryAfter: 1 }))).toEqual({
    isAuthorized: true,
    context: { denied: 'unavailable', retryAfter: 1 },
  });
});

it('refuses without asking the gate when no single key is presented', async () => {
  const unasked = { check: () => Promise.reject(new Error('the gate was asked')) };
  const events = [
    undefined,
    null,
    7,
    'event',
    [],
    {},
    { headers: null },
    event(''),
    event('a,a'),
    event('a'.repeat(102_400)),
  ];
  for (const odd of events) expect(await authorize(odd, unasked)).toEqual({ isAuthorized: false });
});
