import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type GateItem, type GateKey, NEVER } from '../../src/core/gate/layout.ts';
import { hashKey, mintKey } from '../../src/core/keys/format.ts';
import { createGate } from '../../src/runtime/gate.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { marshalItem } from '../../src/runtime/wire/marshal.ts';
import { atMost, exactly, type Figure } from './figure.ts';

const REQUESTS = 1_000_000;
const KEYS = 10_000;
/** Tenants with a lease, with a limit that refuses, and plain ones, in turn. */
const KINDS = 4;
const BOUND_MB = 5;
/** Requests of the keys of large tenants, every one denied: by the quota, by the rate, in turn. */
const DENIED = 40_000;
const LARGE = 40;

/** What a sandbox holds after a million requests, over what it held after half of them. */
export async function sandboxMemoryFigures(): Promise<Figure[]> {
  const keys = Array.from({ length: KEYS }, () => mintKey('anb', 'live'));
  const clock = { now: Date.UTC(2026, 10, 22, 12) * 1000 };
  const gate = createGate({
    wire: wireOf(keys),
    stack: 'bench',
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'allow',
    log: () => {},
    now: () => clock.now,
  });
  const held: number[] = [];
  const outcomes = new Map<string, number>();
  for (let i = 1; i <= REQUESTS; i++) {
    clock.now += 500;
    // Some keys more often than others, so that leases are taken, used up and left to lapse.
    const at = i % 3 === 0 ? i % 40 : Math.floor(Math.random() * KEYS);
    const { outcome } = await gate.check(keys[at] as string);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (i % (REQUESTS / 10) === 0) held.push(heapAfterCollection());
  }
  const half = held.slice(KINDS);
  const grown = (Math.max(...half) - Math.min(...half)) / 2 ** 20;
  const served = outcomes.get('allowed') ?? 0;
  return [
    exactly('sandbox: outcomes of a million requests', outcomes.size, 2),
    {
      name: `sandbox: memory over the last half of ${REQUESTS} requests, ${KEYS} keys`,
      value: `± ${grown.toFixed(1)} MB of ${((half.at(-1) ?? 0) / 2 ** 20).toFixed(0)} (${served} allowed)`,
      bound: `± ${BOUND_MB} MB`,
      ok: grown <= BOUND_MB,
    },
    await deniedFigure(keys),
  ];
}

/** What denials hold of tenants with many keys, over what they hold of tenants with one. */
async function deniedFigure(keys: readonly string[]): Promise<Figure> {
  const held = { one: await heldByDenials(keys, 1), many: await heldByDenials(keys, LARGE) };
  return atMost(
    `sandbox: memory after ${DENIED} denials, tenants with ${LARGE} keys over those with one`,
    held.many / held.one,
    2,
    `${(held.many / 2 ** 20).toFixed(1)} / ${(held.one / 2 ** 20).toFixed(1)} MB`,
  );
}

async function heldByDenials(keys: readonly string[], keysATenant: number): Promise<number> {
  const before = heapAfterCollection();
  const clock = { now: Date.UTC(2026, 10, 22, 12) * 1000 };
  const gate = createGate({
    wire: denyingWire(keys, keysATenant),
    stack: 'bench',
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'allow',
    log: () => {},
    now: () => clock.now,
  });
  for (let i = 0; i < DENIED; i++) {
    clock.now += 500;
    const { outcome } = await gate.check(keys[i % KEYS] as string);
    if (outcome !== 'limited') throw new Error(`${outcome} where all are denied`);
  }
  const after = heapAfterCollection();
  // Still in use, so that it was counted.
  await gate.settle();
  return after - before;
}

function denyingWire(keys: readonly string[], keysATenant: number): Wire {
  const wire = wireOf(keys);
  const items = [0, NEVER].map((limit) => {
    const keyIds = Array.from({ length: keysATenant }, (_, i) => `k${i + 1}`);
    const key = { ...(gateItem(0).k['k1'] as GateKey), T: 1_000_000, bm: 0, aat: NEVER, tat: NEVER };
    const k = Object.fromEntries(keyIds.map((keyId) => [keyId, key]));
    return JSON.stringify({ ...gateItem(0), limit, k });
  });
  return {
    ...wire,
    async send(operation, body) {
      if (operation === 'GetItem') return wire.send(operation, body);
      const { PK } = (body as { Key: { PK: { S: string } } }).Key;
      const item = items[Number(PK.S.slice('GATE#t'.length)) % items.length] as string;
      return { kind: 'condition_failed', old: JSON.parse(item) };
    },
  };
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

/** Answers as DynamoDB does, always the same: what is measured is the sandbox. */
function wireOf(keys: readonly string[]): Wire {
  const tenants = new Map(keys.map((key, i) => [`KEY#${hashKey(key)}`, `t${i}`]));
  const gates = Array.from({ length: KINDS }, (_, kind) => gateItem(kind));
  const outputs = gates.map((gate) => ({ Attributes: marshalItem({ ...gate }) }));
  return {
    async send(operation, body) {
      const { PK } = (body as { Key: { PK: { S: string } } }).Key;
      if (operation === 'GetItem') {
        const mapping = { PK: PK.S, tenantId: tenants.get(PK.S), keyId: 'k1', secretId: 's1', env: 'live' };
        return { kind: 'applied', output: { Item: marshalItem(mapping) } };
      }
      const kind = Number(PK.S.slice('GATE#t'.length)) % KINDS;
      if (kind === 1) return { kind: 'condition_failed', old: { ...gates[kind] } };
      return { kind: 'applied', output: outputs[kind] as object as Record<string, unknown> };
    },
    async warm() {},
    close() {},
  };
}

function gateItem(kind: number): GateItem {
  return {
    PK: 'GATE#t',
    status: 'active',
    plan: 'pro',
    limit: kind === 1 ? 0 : NEVER,
    calls: NEVER,
    bytes: NEVER,
    users: NEVER,
    n: kind === 2 ? 20 : 1,
    m: { '2026-11': 1_000_000 },
    u: { '2026-11-22': 1_000_000 },
    k: { k1: { T: 0, bm: NEVER, aat: 0, tat: 0, lu: 0, inh: true, s: { s1: NEVER } } },
  };
}
