import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { RateLimiterDynamo } from 'rate-limiter-flexible';
import { createGate } from '../../src/runtime/gate.ts';
import type { Gate } from '../../src/runtime/outcome.ts';
import { createWire } from '../../src/runtime/wire/client.ts';
import { startProxy } from '../adapters/proxy.ts';
import { CREDENTIALS, makeKey, makeTenant, REGION, STACK } from '../adapters/tenancy.ts';
import { atLeast, exactly, type Figure } from './figure.ts';
import { openPrevious } from './previous.ts';
import { PLAN, type World } from './world.ts';

export const LEASED = 100;
/** What a network adds to each call. */
const AWAY_MS = 10;

export const wireTo = (endpoint: string) =>
  createWire({ endpoint, region: REGION, credentials: CREDENTIALS, timeoutMs: 20_000 });

/** A sandbox's gate on the given endpoint. */
export function gateOn(endpoint: string): Gate {
  return createGate({
    wire: wireTo(endpoint),
    stack: STACK,
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'deny',
    log: (line) => {
      throw new Error(JSON.stringify(line));
    },
  });
}

type Call = () => Promise<boolean>;
const through =
  (gate: Gate, secret: string): Call =>
  async () =>
    (await gate.check(secret)).outcome === 'allowed';

/** Decisions of one caller against those of the design before, both with the same client on the same engine. */
export async function decisionFigures({ endpoint, store }: World): Promise<Figure[]> {
  const now = Date.now();
  const plan = { ...PLAN, apiCallsPerMonth: 1_000_000_000, rate: 100_000, burst: 200_000 };
  const one = await makeTenant(store, 'exact', plan, now);
  const many = await makeTenant(store, 'leased', { ...plan, lease: LEASED }, now);
  const exact = (await makeKey(store, one, { now })).secret;
  const leased = (await makeKey(store, many, { now })).secret;

  const away = await startProxy(endpoint);
  away.rule = () => pause(AWAY_MS, undefined);
  const seen = await startProxy(endpoint);
  try {
    const far = await ratesOf(away.endpoint, { exact, leased, calls: [25, 120, 6_000] });
    const near = await ratesOf(endpoint, { exact, leased, calls: [150, 600, 20_000] });
    const limiter = await limiterRate(endpoint);

    const old = await openPrevious(wireTo(seen.endpoint), STACK, exact);
    const gate = through(gateOn(seen.endpoint), exact);
    await gate();
    const [before, after] = [await callsOf(seen, old), await callsOf(seen, gate)];
    const ratio = (value: number) => `${value.toFixed(1)}x`;
    const times = (name: string, value: number, bound: number) =>
      atLeast(name, value, bound, ratio(value), 'x');
    return [
      times(`decisions/s over the design before, ${AWAY_MS} ms away: exact`, far.exact / far.previous, 4),
      times(
        `decisions/s over the design before, ${AWAY_MS} ms away: leased, n = ${LEASED}`,
        far.leased / far.previous,
        50,
      ),
      times('decisions/s over the design before, on the engine: exact', near.exact / near.previous, 1.5),
      times('decisions/s over the design before, on the engine: leased', near.leased / near.previous, 5),
      exactly('DynamoDB calls a request, the design before', before.calls, 6),
      exactly('DynamoDB writes a request, the design before', before.writes, 3),
      exactly('DynamoDB calls a request', after.calls, 1),
      exactly('DynamoDB writes a request', after.writes, 1),
      times('decisions/s over rate-limiter-flexible, which only limits', near.exact / limiter, 1),
    ];
  } finally {
    await away.close();
    await seen.close();
  }
}

async function ratesOf(
  endpoint: string,
  { exact, leased, calls }: { exact: string; leased: string; calls: [number, number, number] },
) {
  const runs = {
    previous: await openPrevious(wireTo(endpoint), STACK, exact),
    exact: through(gateOn(endpoint), exact),
    leased: through(gateOn(endpoint), leased),
  };
  const counts = { previous: calls[0], exact: calls[1], leased: calls[2] };
  const spent = { previous: 0, exact: 0, leased: 0 };
  const rounds = 3;
  // In turn, so that what else the machine does hits all alike; the first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, call] of Object.entries(runs) as [keyof typeof runs, Call][]) {
      const took = await timed(call, counts[name] / rounds);
      if (round > 0) spent[name] += took;
    }
  }
  const rate = (name: keyof typeof runs) => (counts[name] / spent[name]) * 1000;
  return { previous: rate('previous'), exact: rate('exact'), leased: rate('leased') };
}

async function timed(call: Call, calls: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < calls; i++) if (!(await call())) throw new Error('refused');
  return performance.now() - started;
}

async function callsOf(proxy: Awaited<ReturnType<typeof startProxy>>, call: Call) {
  proxy.calls.length = 0;
  await call();
  const writes = proxy.operations().filter((operation) => operation === 'UpdateItem').length;
  return { calls: proxy.calls.length, writes };
}

/** Decisions/s of rate-limiter-flexible's own DynamoDB limiter, on the client that it takes. */
async function limiterRate(endpoint: string): Promise<number> {
  const storeClient = new DynamoDB({ endpoint, region: REGION, credentials: CREDENTIALS });
  const limiter = await new Promise<RateLimiterDynamo>((resolve, reject) => {
    const made: RateLimiterDynamo = new RateLimiterDynamo(
      {
        storeClient,
        points: 1_000_000_000,
        duration: 3_600,
        dynamoTableOpts: { readCapacityUnits: 1, writeCapacityUnits: 1 },
      },
      (error?: Error) => (error ? reject(error) : resolve(made)),
    );
  });
  const call = async () => (await limiter.consume('key')).remainingPoints > 0;
  await timed(call, 100);
  const calls = 600;
  const took = await timed(call, calls);
  storeClient.destroy();
  return (calls / took) * 1000;
}
