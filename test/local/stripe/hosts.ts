import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type Stripe from 'stripe';
import { stripeClient } from '../../../src/adapters/stripe/client.ts';
import { makeMeter, openStripe } from '../../fixtures/stripe.ts';

/** A stand-in in a process of its own, on a store. */
export async function host(
  program: string,
  storeDir: string,
): Promise<{ child: ChildProcess; api: Stripe; close(): void }> {
  const child = spawn(process.execPath, [program, storeDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
  const { api, close } = stripeClient({ apiKey: 'sk_test_standin', url: JSON.parse(line).url });
  return { child, api, close };
}

export const send = (api: Stripe, identifier: string, customer: string, value = '1') =>
  api.billing.meterEvents.create({
    event_name: 'api_calls',
    identifier,
    payload: { stripe_customer_id: customer, value },
  });

/**
 * Two stand-ins on one store take events side by side until one of them is killed in the middle; round after round.
 * Each killed process may have carried out one event without saying so: no more than one is under way in each.
 */
export async function killRounds(
  program: string,
  storeDir: string,
  rounds: number,
): Promise<{ answered: number; killed: number }> {
  const { api, close } = await openStripe({ storeDir });
  await makeMeter(api);
  const { id } = await api.customers.create({});
  await close();
  let answered = 0;
  for (let round = 0; round < rounds; round++) {
    const hosts = await Promise.all([host(program, storeDir), host(program, storeDir)]);
    const doomed = hosts[round % 2]?.child;
    let sent = 0;
    const sendAll = async (one: (typeof hosts)[0], side: number): Promise<void> => {
      for (let n = 0; n < 30; n++) {
        const isKept = await send(one.api, `r${round}-${side}-${n}`, id).then(
          () => true,
          () => false,
        );
        if (isKept) answered += 1;
        if (++sent === 20 + (round % 17)) doomed?.kill('SIGKILL');
      }
    };
    await Promise.all(hosts.map(sendAll));
    for (const one of hosts) {
      one.close();
      one.child.kill('SIGKILL');
    }
  }
  return { answered, killed: rounds };
}
