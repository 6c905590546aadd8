import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripeClient } from '../../src/adapters/stripe/client.ts';
import { stripeSink } from '../../src/adapters/stripe/sink.ts';
import { CALLS, makeMeter, usageEvent } from '../fixtures/stripe.ts';
import { bundle } from '../local/fixtures/bundles.ts';
import { atMost, type Figure } from './figure.ts';

const CUSTOMERS = 100;
const EVENTS = 4_000;
const AT_ONCE = 32;

/** What one meter event costs the sink, and the stand-in in a process of its own that writes to a disk; CPU time. */
export async function stripeFigures(): Promise<Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'saasctl-bench-'));
  const child = fork(await bundle(dir, 'test/local/fixtures/stripe-host.ts'), [dir], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  try {
    const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const hostCpuMs = async (): Promise<number> => {
      child.send('cpu');
      const [{ cpuMs }] = (await once(child, 'message')) as [{ cpuMs: number }];
      return cpuMs;
    };
    const { api, close } = stripeClient({ apiKey: 'sk_test_standin', url });
    await makeMeter(api);
    const customers: string[] = [];
    for (let n = 0; n < CUSTOMERS; n++) customers.push((await api.customers.create({})).id);
    close();
    const sink = stripeSink({ apiKey: 'sk_test_standin', url, mode: 'test' });
    const timestamp = Math.floor(Date.now() / 1000);
    let sent = 0;
    const sendUntil = async (last: number): Promise<void> => {
      while (sent < last) {
        const n = sent++;
        const event = usageEvent(`e${n}`, customers[n % CUSTOMERS] ?? '', n + 1, { meter: CALLS, timestamp });
        const [delivery] = await sink.deliver([event]);
        if (delivery?.kind !== 'delivered') throw new Error(JSON.stringify(delivery));
      }
    };
    const sendAll = (last: number) => Promise.all(Array.from({ length: AT_ONCE }, () => sendUntil(last)));
    await sendAll(EVENTS / 4);
    const [own, host] = [process.cpuUsage(), await hostCpuMs()];
    await sendAll(EVENTS / 4 + EVENTS);
    const { user, system } = process.cpuUsage(own);
    const ownMs = (user + system) / 1000 / EVENTS;
    const hostMs = ((await hostCpuMs()) - host) / EVENTS;
    await sink.close();
    return [
      atMost('stripe sink: own CPU an event', ownMs, 1.2, `${ownMs.toFixed(2)} ms`, ' ms'),
      atMost(
        'stand-in: CPU an event (0.5 ms is 2,000 a second)',
        hostMs,
        0.5,
        `${hostMs.toFixed(2)} ms`,
        ' ms',
      ),
    ];
  } finally {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}
