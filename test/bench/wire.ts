import { startProxy } from '../adapters/proxy.ts';
import { makeKey, makeTenant } from '../adapters/tenancy.ts';
import { exactly, type Figure } from './figure.ts';
import { PLAN, type World } from './world.ts';

const CALLS = 200;

/** What one allowed call of a warm sandbox costs, counted between the built authorizer and the engine. */
export async function wireFigures({ endpoint, store, sandbox }: World): Promise<Figure[]> {
  const now = Date.now();
  const tenant = await makeTenant(store, 'wire', { ...PLAN, apiCallsPerMonth: 100_000 }, now);
  const { secret } = await makeKey(store, tenant, { rate: { perSecond: 1_000, burst: 1_000 }, now });
  const proxy = await startProxy(endpoint, { capacity: true });
  try {
    const check = await sandbox(proxy.endpoint);
    await check(secret);
    proxy.calls.length = 0;
    let allowed = 0;
    for (let i = 0; i < CALLS; i++) if ((await check(secret)) === 'allowed') allowed += 1;
    const units = proxy.calls.map(({ answer }) => answer?.body.ConsumedCapacity?.CapacityUnits ?? Number.NaN);
    const reads = proxy.operations().filter((operation) => operation !== 'UpdateItem').length;
    return [
      exactly('warm call: allowed', allowed, CALLS),
      exactly('warm call: DynamoDB calls each', proxy.calls.length / CALLS, 1),
      exactly('warm call: write units each, as the engine counts', sum(units) / CALLS, 1),
      exactly('warm call: reads', reads, 0),
    ];
  } finally {
    await proxy.close();
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
