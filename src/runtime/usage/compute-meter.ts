import { dayOf } from '../../core/time.ts';
import { addWrite } from '../../core/usage/record.ts';
import type { Log } from '../log.ts';
import type { Load, Rider } from '../outcome.ts';
import type { Pause } from '../retry.ts';
import type { Wire } from '../wire/client.ts';
import type { ComputeMeter } from './meter.ts';
import { write } from './writes.ts';

export interface ComputeOptions {
  wire: Wire;
  stack: string;
  log: Log;
  /** Epoch ms. */
  now?: () => number;
  pause?: Pause;
}

/** How long compute time waits for a gate write of its tenant. */
const WAIT_MS = 10_000;
/** Writes of one flush, all at once; the rest waits for the next invocation. */
const FLUSHED = 25;
/** Tenants that wait at most; what comes past them is written at once. */
const WAITING = 10_000;

const wait: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

interface Waiting extends Load {
  tenantId: string;
  day: string;
}

/** Inline mode: time waits in the sandbox, and travels with the tenant's next gate write. */
export function createRidingMeter(options: ComputeOptions): ComputeMeter & Rider {
  const { now = Date.now } = options;
  const waiting = new Map<string, Waiting>();
  const add = timeWriter(options);
  /** No time that waits is older, epoch ms: spares most invocations the search. */
  let oldest = Infinity;
  const keep = (tenantId: string, day: string, load: Load) => {
    const name = `${tenantId}#${day}`;
    const there = waiting.get(name);
    const since = Math.min(load.since, there?.since ?? load.since);
    oldest = Math.min(oldest, since);
    waiting.set(name, { tenantId, day, ms: load.ms + (there?.ms ?? 0), since });
  };
  return {
    take(tenantId, day) {
      const name = `${tenantId}#${day}`;
      const taken = waiting.get(name) ?? null;
      waiting.delete(name);
      return taken;
    },
    giveBack: keep,
    async spent(tenantId, ms) {
      const since = now();
      const day = dayOf(since);
      if (waiting.size < WAITING || waiting.has(`${tenantId}#${day}`))
        return keep(tenantId, day, { ms, since });
      await add(tenantId, day, ms);
    },
    async flush() {
      const before = now() - WAIT_MS;
      if (oldest > before) return;
      const due: Waiting[] = [];
      oldest = Infinity;
      for (const [name, one] of waiting) {
        if (one.since > before || due.length === FLUSHED) {
          oldest = Math.min(oldest, one.since);
          continue;
        }
        waiting.delete(name);
        due.push(one);
      }
      await Promise.all(
        due.map(async ({ tenantId, day, ms, since }) => {
          if ((await add(tenantId, day, ms)) === 'not written') keep(tenantId, day, { ms, since });
        }),
      );
    },
  };
}

/** Authorizer mode: no gate write follows in this sandbox, so each call's time is one write. */
export function createDirectMeter(options: ComputeOptions): ComputeMeter {
  const { now = Date.now } = options;
  const add = timeWriter(options);
  return {
    async flush() {},
    async spent(tenantId, ms) {
      await add(tenantId, dayOf(now()), ms);
    },
  };
}

/** Adds once; what may have been added is not added again. */
function timeWriter({ wire, stack, log, pause = wait }: ComputeOptions) {
  return async (tenantId: string, day: string, amount: number): Promise<'settled' | 'not written'> => {
    const line = { metric: 'compute_seconds', amount, day };
    const written = await write(
      wire,
      stack,
      [addWrite(tenantId, line)],
      { contended: 2, unreachable: 1 },
      pause,
    );
    if (written.kind === 'applied') return 'settled';
    log({ level: 'warn', event: 'compute_not_counted', tenantId, day, ms: amount, ...written });
    return written.kind === 'contended' || written.kind === 'unreachable' ? 'not written' : 'settled';
  };
}
