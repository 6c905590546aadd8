import { beforeEach, describe, expect, it } from 'vitest';
import { mintKey } from '../../src/core/keys/format.ts';
import {
  gateFixture,
  keyFixture,
  mappingFixture,
  NOON,
  putGate,
  putKey,
  readGate,
} from '../fixtures/gate.ts';
import { gateOver } from './gate-over.ts';
import { dynamoError, memoryWire } from './memory-dynamo.ts';

describe('a key', () => {
  const { wire, sent } = memoryWire();
  const { gate } = gateOver(wire);
  const open = gateOver(wire, { importedKeys: true }).gate;
  beforeEach(() => {
    sent.length = 0;
  });

  it('of ours with a character changed is refused before any I/O', async () => {
    const key = mintKey('anb', 'live');
    for (let i = 0; i < key.length; i++) {
      const typo = key.slice(0, i) + (key[i] === 'x' ? 'y' : 'x') + key.slice(i + 1);
      expect(await gate.check(typo)).toEqual({ outcome: 'refused', reason: 'malformed' });
    }
    expect(sent).toEqual([]);
  });

  it('of another environment is refused before any I/O', async () => {
    expect(await gate.check(mintKey('anb', 'test'))).toEqual({ outcome: 'refused', reason: 'environment' });
    expect(sent).toEqual([]);
  });

  it('of another shape is looked up only where keys may be imported', async () => {
    expect(await gate.check('sk-legacy-123')).toEqual({ outcome: 'refused', reason: 'malformed' });
    expect(sent).toEqual([]);
    expect(await open.check('sk-legacy-123')).toEqual({ outcome: 'refused', reason: 'unknown' });
    expect(sent).toEqual(['GetItem']);
  });

  it('that was imported passes, and only in its environment', async () => {
    await putGate(wire, gateFixture());
    await putKey(wire, mappingFixture(), 'sk-legacy-live');
    await putKey(wire, mappingFixture({ env: 'test' }), 'sk-legacy-test');
    expect(await open.check('sk-legacy-live')).toMatchObject({ outcome: 'allowed' });
    expect(await open.check('sk-legacy-test')).toEqual({ outcome: 'refused', reason: 'environment' });
  });

  it('that is unknown is asked for anew each time: it may be minted any moment', async () => {
    const key = mintKey('anb', 'live');
    await putGate(wire, gateFixture());
    expect(await gate.check(key)).toEqual({ outcome: 'refused', reason: 'unknown' });
    await putKey(wire, mappingFixture(), key);
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
  });
});

describe('an allowed call', () => {
  it('tells who calls, and takes one wire call once the key is known', async () => {
    const { wire, sent } = memoryWire();
    const { gate, clock } = gateOver(wire);
    await putGate(
      wire,
      gateFixture({ limit: 1000, calls: 1000, k: { k1: keyFixture({ perSecond: 50, burst: 100 }) } }),
    );
    const key = await putKey(wire);
    sent.length = 0;
    expect(await gate.check(key)).toMatchObject({
      outcome: 'allowed',
      tenant: { tenantId: 'acme', plan: 'pro', env: 'live', usage: { apiCalls: 1, remaining: 999 } },
      headers: { ratelimit: expect.stringMatching(/^"rate";r=99;t=1, "quota";r=999;t=\d+$/) },
    });
    expect(sent).toEqual(['GetItem', 'UpdateItem']);

    for (const later of [0, 1_000, 60_000_000, 500, 86_400_000_000]) {
      sent.length = 0;
      clock.now += later;
      expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
      expect(sent).toEqual(['UpdateItem']);
    }
  });

  it('takes one more when another sandbox has used the key meanwhile', async () => {
    const { wire, sent } = memoryWire();
    const [one, other] = [gateOver(wire), gateOver(wire)];
    await putGate(wire, gateFixture({ k: { k1: keyFixture({ perSecond: 1, burst: 10 }) } }));
    const key = await putKey(wire);
    await one.gate.check(key);
    sent.length = 0;
    expect(await other.gate.check(key)).toMatchObject({ outcome: 'allowed' });
    expect(sent).toEqual(['GetItem', 'UpdateItem', 'UpdateItem']);
    expect((await readGate(wire)).m).toEqual({ '2026-11': 2 });
  });
});

describe('a limited call', () => {
  it('says by what and for how long', async () => {
    const { wire } = memoryWire();
    const { gate, clock } = gateOver(wire);
    await putGate(wire, gateFixture({ limit: 2, k: { k1: keyFixture({ perSecond: 0.5, burst: 1 }) } }));
    const key = await putKey(wire);
    await gate.check(key);
    clock.now += 100_000;
    expect(await gate.check(key)).toMatchObject({
      outcome: 'limited',
      by: 'rate',
      tenantId: 'acme',
      retryAfter: 2,
    });
    clock.now += 1_900_000;
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
    clock.now += 10_000_000;
    const untilDecember = (Date.UTC(2026, 11, 1) * 1000 - clock.now) / 1_000_000;
    expect(await gate.check(key)).toMatchObject({
      outcome: 'limited',
      by: 'quota',
      retryAfter: untilDecember,
    });
  });
});

describe('a broken gate', () => {
  it.each([
    ['m', gateFixture({ m: undefined as never })],
    ['u', gateFixture({ u: undefined as never })],
    ['k.k1.T', gateFixture({ k: { k1: keyFixture(undefined, { T: undefined as never }) } })],
    ['k.k1.bm', gateFixture({ k: { k1: keyFixture(undefined, { bm: undefined as never }) } })],
  ])('without %s is logged and authorises nothing', async (_missing, gateItem) => {
    const { wire } = memoryWire();
    const { gate, lines } = gateOver(wire);
    await putGate(wire, gateItem);
    expect(await gate.check(await putKey(wire))).toEqual({ outcome: 'unavailable', retryAfter: 1 });
    expect(lines).toMatchObject([{ level: 'error', event: 'gate_broken', tenantId: 'acme', keyId: 'k1' }]);
  });

  it('is one whose mapping names nobody, too', async () => {
    const { wire } = memoryWire();
    const { gate, lines } = gateOver(wire);
    const key = await putKey(wire, mappingFixture({ tenantId: '' }));
    expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    expect(lines).toMatchObject([{ event: 'key_mapping_broken' }]);
  });

  it('is not asked for ever when it keeps contradicting itself', async () => {
    const { wire, sent, next } = memoryWire();
    const { gate, lines } = gateOver(wire);
    await putGate(wire, gateFixture());
    const key = await putKey(wire);
    const used = JSON.stringify(flipped({ tat: NOON + 9, aat: 0 }));
    const full = JSON.stringify(flipped({ tat: 0, aat: 0 }));
    next.push(...[used, full, used, full].map((text) => ({ kind: 'answered' as const, status: 400, text })));
    expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    expect(sent.filter((operation) => operation === 'UpdateItem')).toHaveLength(4);
    expect(lines).toMatchObject([{ event: 'gate_contended' }]);
  });

  const flipped = (bucket: { tat: number; aat: number }) => {
    const k1 = {
      M: {
        T: { N: '1' },
        bm: { N: '1' },
        tat: { N: `${bucket.tat}` },
        aat: { N: `${bucket.aat}` },
        s: { M: { s1: { N: '9000000000000000' } } },
      },
    };
    const numbers = Object.fromEntries(
      ['limit', 'calls', 'bytes', 'users'].map((name) => [name, { N: '9' }]),
    );
    const item = {
      status: { S: 'active' },
      plan: { S: 'pro' },
      m: { M: {} },
      u: { M: {} },
      k: { M: { k1 } },
      ...numbers,
    };
    return dynamoError(400, 'ConditionalCheckFailedException', { Item: item }).body;
  };
});

it('answers unavailable, never throws, when its own clock or wire breaks', async () => {
  const { wire } = memoryWire();
  const { gate, lines } = gateOver({ ...wire, send: () => Promise.reject(new Error('bug')) });
  expect(await gate.check(mintKey('anb', 'live'))).toEqual({ outcome: 'unavailable', retryAfter: 1 });
  expect(lines).toMatchObject([{ event: 'gate_failed' }]);
});
