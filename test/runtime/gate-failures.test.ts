import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mintKey } from '../../src/core/keys/format.ts';
import { createWire, type Wire } from '../../src/runtime/wire/client.ts';
import { CREDENTIALS, gateFixture, putGate, putKey, readGate } from '../fixtures/gate.ts';
import { gateOver } from './gate-over.ts';
import { type Fault, type FaultyServer, startFaultyServer } from './wire/faulty-server.ts';

// A fault 'none' lets the read of the key's mapping through, so that the update meets the next.
describe('when the network or DynamoDB fails', () => {
  let server: FaultyServer;
  let wire: Wire;
  let key: string;

  beforeEach(async () => {
    server = await startFaultyServer();
    wire = wireFor(30_000);
    await putGate(wire, gateFixture());
    key = await putKey(wire);
  });
  afterEach(async () => {
    wire.close();
    await server.close();
  });
  const wireFor = (timeoutMs: number): Wire =>
    createWire({ endpoint: server.endpoint, region: 'us-east-1', credentials: CREDENTIALS, timeoutMs });
  /** For an answer that never comes; what comes at once is in time for it. */
  const impatient = () => wireFor(1_000);
  const counted = async () => (await readGate(wire)).m['2026-11'] ?? 0;
  const updates = () => server.received.filter((operation) => operation === 'UpdateItem').length;

  const doubtful: [Fault, number][] = [
    ['drop before apply', 0],
    ['drop after apply', 1],
    ['500 before apply', 0],
    ['500 after apply', 1],
    ['hang after apply', 1],
    ['half a response', 1],
    ['garbage', 1],
    ['empty 200', 1],
    ['html 502', 0],
  ];
  it.each(doubtful)('"%s" is sent once, answered 503 and logged as ambiguous', async (fault, applied) => {
    const over = fault === 'hang after apply' ? impatient() : wire;
    const { gate, lines } = gateOver(over);
    await gate.check(mintKey('anb', 'live'));
    server.faults.push('none', fault);
    expect(await gate.check(key)).toEqual({ outcome: 'unavailable', retryAfter: 1 });
    over.close();
    expect(updates()).toBe(1);
    expect(await counted()).toBe(applied);
    expect(lines).toMatchObject([{ event: 'gate_ambiguous', tenantId: 'acme', answer: 'unavailable' }]);
  });

  it('a gate that repeats what may have been applied bills twice, and this would show it', async () => {
    const repeating: Wire = {
      ...wire,
      async send(operation, body) {
        const reply = await wire.send(operation, body);
        return reply.kind === 'ambiguous' ? wire.send(operation, body) : reply;
      },
    };
    server.faults.push('none', '500 after apply');
    expect(await gateOver(repeating).gate.check(key)).toMatchObject({ outcome: 'allowed' });
    expect(await counted()).toBe(2);
  });

  it.each<Fault>(['throttle', 'conflict'])('"%s" is tried twice more, after a pause', async (fault) => {
    const { gate, pauses } = gateOver(wire);
    server.faults.push('none', fault, fault);
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
    expect([updates(), pauses.length, await counted()]).toEqual([3, 2, 1]);
  });

  it.each<Fault>(['throttle', 'conflict'])(
    '"%s" three times over is unavailable, not refused',
    async (fault) => {
      const { gate, lines } = gateOver(wire, { policy: 'allow' });
      await gate.check(key);
      server.received.length = 0;
      server.faults.push(fault, fault, fault);
      expect(await gate.check(key)).toEqual({ outcome: 'unavailable', retryAfter: 1 });
      expect(updates()).toBe(3);
      expect(lines).toMatchObject([{ event: 'gate_unavailable' }]);
    },
  );

  it('a refused connection is tried once more', async () => {
    let refuse = 1;
    let sends = 0;
    const flaky: Wire = {
      ...wire,
      async send(operation, body) {
        if (operation !== 'UpdateItem') return wire.send(operation, body);
        sends += 1;
        if (refuse-- > 0)
          return { kind: 'not_applied', reason: 'unreachable', code: 'unreachable', message: '' };
        return wire.send(operation, body);
      },
    };
    const { gate } = gateOver(flaky);
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
    expect(sends).toBe(2);
    refuse = 2;
    expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    expect(sends).toBe(4);
  });

  it('a request that DynamoDB rejects is not repeated', async () => {
    const { gate, lines } = gateOver(wire);
    server.faults.push('none', 'denied');
    expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    expect(updates()).toBe(1);
    expect(lines).toMatchObject([{ event: 'gate_unavailable', code: 'AccessDeniedException' }]);
  });

  it('reading who a key is may be repeated', async () => {
    const { gate } = gateOver(wire);
    server.faults.push('drop before apply', 'throttle');
    expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
    server.faults.push('500 before apply', '500 before apply');
    expect(await gate.check(mintKey('anb', 'live'))).toMatchObject({ outcome: 'unavailable' });
  });

  it('never puts a key, or its hash, into the log', async () => {
    const lines: object[] = [];
    for (const fault of ['garbage', 'denied', 'throttle', 'html 502'] as const) {
      server.faults.length = 0;
      server.faults.push('none', fault, fault, fault);
      await gateOver(wire, { log: (line) => lines.push(line) }).gate.check(key);
    }
    expect(lines).toHaveLength(4);
    expect(JSON.stringify(lines)).not.toContain(key.slice(9));
  });

  describe('under the policy allow', () => {
    it('a key that passed within a minute passes on trust, without RateLimit headers', async () => {
      const { gate, clock, lines } = gateOver(wire, { policy: 'allow' });
      await gate.check(key);
      clock.now += 60_000_000;
      server.faults.push('500 after apply');
      expect(await gate.check(key)).toMatchObject({
        outcome: 'allowed',
        tenant: { tenantId: 'acme' },
        headers: null,
      });
      expect(lines).toMatchObject([{ event: 'gate_ambiguous', answer: 'allowed' }]);
    });

    it('trust is not renewed by an answer given on trust', async () => {
      const { gate, clock } = gateOver(wire, { policy: 'allow' });
      await gate.check(key);
      server.faults.push('500 before apply', '500 before apply');
      clock.now += 60_000_000;
      expect(await gate.check(key)).toMatchObject({ outcome: 'allowed' });
      clock.now += 1;
      expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    });

    it('a clock set back ends the trust', async () => {
      const { gate, clock } = gateOver(wire, { policy: 'allow' });
      await gate.check(key);
      clock.now -= 1;
      server.faults.push('500 before apply');
      expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    });

    it('neither a key never seen nor one refused since is trusted', async () => {
      const { gate, clock } = gateOver(wire, { policy: 'allow' });
      server.faults.push('none', '500 before apply');
      expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
      await gate.check(key);
      await putGate(wire, gateFixture({ status: 'suspended' }));
      expect(await gate.check(key)).toEqual({ outcome: 'refused', reason: 'suspended' });
      clock.now += 1_000_000;
      server.faults.push('500 before apply');
      expect(await gate.check(key)).toMatchObject({ outcome: 'unavailable' });
    });
  });
});
