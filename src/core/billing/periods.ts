import { SaasctlError } from '../errors.ts';
import { dayOf } from '../time.ts';
import { type Clock, createPace } from './pace.ts';
import type { Sink } from './sink.ts';

/** Where a customer's billing stands, as `Sink.periods` says it. */
export type Periods = NonNullable<Awaited<ReturnType<NonNullable<Sink['periods']>>>>;

export const NO_PERIODS: Periods = { closedUntil: null, endedAt: null };

/** Customers asked about side by side, and attempts at one where the sink is too busy. */
const CONCURRENT = 32;
const TRIES = 6;

/**
 * Asks a sink where its customers' billing stands: each of them once a run, apart from the pace of the events, and
 * more slowly as soon as the sink says that it is too much. Throws what the sink throws.
 */
export function createPeriods(
  sink: Sink,
  clock: Clock,
  isEnding: () => boolean,
): (customer: string) => Promise<Periods | null> {
  const pace = createPace(null, CONCURRENT, clock, isEnding);
  const known = new Map<string, Promise<Periods | null>>();
  const ask = async (customer: string): Promise<Periods | null> => {
    for (let tries = 1; ; tries++) {
      await pace.take();
      try {
        const periods = sink.periods === undefined ? NO_PERIODS : await sink.periods(customer);
        pace.faster();
        return periods;
      } catch (error) {
        const isBusy = error instanceof SaasctlError && error.retryable;
        if (!isBusy || tries >= TRIES || isEnding()) throw error;
        pace.slow(100 * 2 ** tries);
      } finally {
        pace.done();
      }
    }
  };
  return (customer) => {
    const asked = known.get(customer) ?? ask(customer);
    known.set(customer, asked);
    // A later round may ask anew.
    asked.catch(() => known.delete(customer));
    return asked;
  };
}

/** Customers whose subscription ended today, asked once; `null`: the sink does not say, so each has to be asked. */
export function createEnded(sink: Sink, { now }: Clock): () => Promise<ReadonlySet<string> | null> {
  let asked: Promise<ReadonlySet<string> | null> | undefined;
  return () => {
    asked ??= (async () => (await sink.ended?.(Date.parse(dayOf(now())) / 1000)) ?? null)().catch(() => null);
    return asked;
  };
}
