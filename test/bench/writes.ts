import { startProxy, type WireProxy } from '../adapters/proxy.ts';
import { makeKey, makeTenant } from '../adapters/tenancy.ts';
import { gateOn, LEASED } from './decisions.ts';
import { atLeast, atMost, type Figure } from './figure.ts';
import { PLAN, type World } from './world.ts';

const SANDBOXES = 32;
/** What DynamoDB takes on one item, in one second. */
const WRITES_A_SECOND = 1_000;

/** What many sandboxes and leases make of the writes a request costs. Each write is one unit: the gates are small. */
export async function writeFigures({ endpoint, store }: World): Promise<Figure[]> {
  const now = Date.now();
  const proxy = await startProxy(endpoint);
  const secretOf = async (id: string, more: Partial<typeof PLAN>) =>
    (await makeKey(store, await makeTenant(store, id, { ...PLAN, ...more }, now), { now })).secret;
  const limited = await secretOf('crowd', { rate: 5_000, burst: 10_000 });
  const unlimited = await secretOf('crowd-unlimited', {});
  const leased = await secretOf('crowd-leased', { rate: 50_000, burst: 100_000, lease: LEASED });
  try {
    const figure = async (name: string, secret: string, sandboxes: number, ms: number, bound: number) => {
      const { allowed, writes } = await crowd(proxy, secret, sandboxes, ms);
      const each = writes / allowed;
      return atMost(name, each, bound, `${each.toFixed(3)} (${allowed} calls)`);
    };
    const each = 'write units a request';
    const figures = [
      await figure(`${each}, ${SANDBOXES} in flight from as many sandboxes`, limited, SANDBOXES, 4_000, 1.15),
      await figure(`${each}, the same, no rate limit`, unlimited, SANDBOXES, 3_000, 1.15),
      await figure(`${each}, one sandbox, leased, n = ${LEASED}`, leased, 1, 1_500, 0.02),
    ];
    return [...figures, ...(await hot(proxy, leased))];
  } finally {
    await proxy.close();
  }
}

/** Past what one item carries call by call, by far. */
const HOT_CALLS_A_SECOND = 3_000;

/** A tenant that one item's writes could not carry call by call: what comes past them is throttled here. */
async function hot(proxy: WireProxy, secret: string): Promise<Figure[]> {
  let second = 0;
  let writes = 0;
  let most = 0;
  proxy.rule = ({ operation }) => {
    if (operation !== 'UpdateItem') return undefined;
    const now = Math.floor(Date.now() / 1000);
    writes = now === second ? writes + 1 : 1;
    second = now;
    most = Math.max(most, writes);
    return writes > WRITES_A_SECOND ? 'throttle' : undefined;
  };
  const ms = 2_500;
  const { allowed } = await crowd(proxy, secret, 4, ms);
  const rate = (allowed / ms) * 1000;
  return [
    atLeast('one tenant, leased: calls admitted a second', rate, HOT_CALLS_A_SECOND, rate.toFixed(0)),
    atMost('… with so many writes attempted, in any second', most, WRITES_A_SECOND, String(most)),
  ];
}

async function crowd(proxy: WireProxy, secret: string, sandboxes: number, ms: number) {
  const gates = Array.from({ length: sandboxes }, () => gateOn(proxy.endpoint));
  // The key is looked up, and the bucket seen, before anything is counted.
  for (const gate of gates) await gate.check(secret);
  proxy.calls.length = 0;
  const end = Date.now() + ms;
  let allowed = 0;
  await Promise.all(
    gates.map(async (gate) => {
      while (Date.now() < end) {
        if ((await gate.check(secret)).outcome !== 'allowed') throw new Error('refused');
        allowed += 1;
      }
    }),
  );
  for (const gate of gates) await gate.settle();
  const writes = proxy.operations().filter((operation) => operation === 'UpdateItem').length;
  return { allowed, writes };
}
