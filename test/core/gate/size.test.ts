import { describe, expect, it } from 'vitest';
import { newGateKey } from '../../../src/core/gate/edits.ts';
import { NEVER } from '../../../src/core/gate/layout.ts';
import { gateCost, itemSize, sizeWarning } from '../../../src/core/gate/size.ts';
import { jwtGateKey } from '../../../src/core/tenants/jwt-access.ts';
import { gateFixture, keyFixture } from '../../fixtures/gate.ts';

const NOW_US = 1_795_348_800_123_457;

/** A gate in full use: real ids, real times, counters of seven digits. */
function busyGate(keys: number, days: number, metrics: number, secrets = 1) {
  const u: Record<string, number> = {};
  for (let day = 0; day < days; day++) {
    const name = `2026-11-${String(day + 1).padStart(2, '0')}`;
    u[name] = 1_234_567;
    if (metrics > 1) u[`${name}.c`] = 98_765_431;
  }
  const s = Object.fromEntries(Array.from({ length: secrets }, (_, i) => [`s${i + 1}`, NOW_US]));
  const key = keyFixture({ perSecond: 50, burst: 100 }, { aat: NOW_US, tat: NOW_US, lu: NOW_US, s });
  const k = Object.fromEntries(Array.from({ length: keys }, (_, i) => [`key_Ab3dE6g${i}`, key]));
  return gateFixture({
    PK: 'GATE#acme-company',
    plan: 'enterprise',
    limit: 100_000_000,
    m: { '2026-10': 12_345_678, '2026-11': 12_345_678 },
    u,
    k,
  });
}

/** A gate as the CLI makes it, of the plan pro: 50 calls a second, a limit of 100,000 calls, billed beyond. */
function newGate(
  tenantId: string,
  keys: number,
  {
    secrets = 1,
    expiry = NEVER,
    scopes = false,
    jwt = false,
  }: { secrets?: number; expiry?: number; scopes?: boolean; jwt?: boolean },
) {
  const rate = { perSecond: 50, burst: 100 };
  const key = newGateKey(rate, true, scopes ? ['read:orders0', 'edit:orders0'] : [], 's1', expiry);
  if (secrets > 1) key.s['s2'] = NOW_US;
  const k = Object.fromEntries(
    Array.from({ length: keys }, (_, i) => [`key_Ab3dE6g${String.fromCharCode(65 + i)}`, key]),
  );
  return gateFixture({
    PK: `GATE#${tenantId}`,
    calls: 100_000,
    bytes: 10_000_000_000,
    users: 25,
    n: 1,
    k: jwt ? { ...k, jwt: jwtGateKey(rate) } : k,
  });
}

describe('an item’s size by AWS’s rules', () => {
  it.each([
    ['a string: its UTF-8 bytes and its name’s', { name: 'héllo' }, 4 + 6],
    ['a number: a byte for two digits and one more', { n: 12 }, 1 + 2],
    ['an odd number of digits', { n: 123 }, 1 + 3],
    ['zeros at the end are not stored', { n: 1_000_000 }, 1 + 2],
    ['nor at the front', { n: 0.05 }, 1 + 2],
    ['zero itself', { n: 0 }, 1 + 1],
    ['below zero', { n: -12 }, 1 + 3],
    ['38 digits at most', { n: Number.MAX_SAFE_INTEGER }, 1 + 9],
    ['a boolean and null: one byte', { yes: true, no: null }, 3 + 1 + 2 + 1],
    ['an empty map or list: three bytes', { m: {}, l: [] }, 1 + 3 + 1 + 3],
    ['a member: one byte, its name and its value', { m: { ab: 12 } }, 1 + 3 + 1 + 2 + 2],
    ['an element: one byte and its value', { l: ['abc', 12] }, 1 + 3 + 1 + 3 + 1 + 2],
    ['maps in maps', { m: { n: { a: 'b' } } }, 1 + 3 + 1 + 1 + (3 + 1 + 1 + 1)],
  ])('%s', (_, item, bytes) => {
    expect(itemSize(item)).toBe(bytes);
  });
});

describe('a gate’s size', () => {
  it('grows by some 80 bytes a key, and 11 a secret', () => {
    const grown = (keys: number, secrets: number) => itemSize(busyGate(keys, 3, 2, secrets));
    const key = grown(3, 1) - grown(2, 1);
    expect(key).toBeGreaterThanOrEqual(75);
    expect(key).toBeLessThanOrEqual(90);
    const secret = grown(1, 2) - grown(1, 1);
    expect(secret).toBeGreaterThanOrEqual(10);
    expect(secret).toBeLessThanOrEqual(13);
  });

  it('stays within one write unit with 8 keys and 3 days, or 4 keys and a month', () => {
    expect(gateCost(busyGate(8, 3, 2))).toMatchObject({ units: 1, perSecond: 1000 });
    expect(gateCost(busyGate(4, 31, 1))).toMatchObject({ units: 1 });
    expect(sizeWarning(gateCost(busyGate(8, 3, 2)))).toBeNull();
  });

  it.each([
    ['10 keys', { id: 24, keys: 10 }],
    ['9 keys under the longest id', { id: 63, keys: 9 }],
    ['8 keys, each with a second secret', { id: 40, keys: 8, secrets: 2 }],
    ['8 keys that expire, and JWTs', { id: 63, keys: 8, expiry: NOW_US, jwt: true }],
    ['6 keys with two scopes of 12 letters, and JWTs', { id: 63, keys: 6, scopes: true, jwt: true }],
  ])('as the docs say, %s fit one write unit, and no more', (_, { id, keys, ...more }) => {
    const gateOf = (count: number) => newGate('a'.repeat(id), count, more);
    expect(gateCost(gateOf(keys)).units).toBe(1);
    expect(gateCost(gateOf(keys + 1)).units).toBe(2);
  });

  it('beyond costs two units a call, and half the calls a second', () => {
    const cost = gateCost(busyGate(12, 3, 2));
    expect(cost).toMatchObject({ units: 2, perSecond: 500 });
    expect(sizeWarning(cost)).toMatch(
      /^its gate is 1\d\d\d bytes: a call costs 2 write units instead of 1, and it takes 500 calls a second instead of 1000$/,
    );
  });

  it('counts a new gate as it will be once its keys are used', () => {
    const k = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`key_Ab3dE6g${i}`, keyFixture()]));
    const fresh = gateFixture({ PK: 'GATE#acme-company', k });
    expect(itemSize(fresh)).toBeLessThan(1024);
    expect(gateCost(fresh).units).toBe(2);
  });
});
