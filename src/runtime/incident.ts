import type { Log } from './log.ts';

/** A run of calls of which nobody knows whether they were counted. Clear answers between them do not end it. */
interface Incident {
  /** Counts one. Only the first is logged, with its reason. */
  doubt(detail: object): void;
  /** A clear answer: after 10 s without a doubt the incident is over, and its end is logged with its count. */
  clear(): void;
}

const QUIET_MS = 10_000;

/** Logged as `event` and, at its end, `<event>_over`. `now`: epoch ms. */
export function createIncident(log: Log, event: string, now: () => number): Incident {
  let calls = 0;
  let last = 0;

  function clear(): void {
    if (calls === 0) return;
    // Also when the clock was set back: the quiet counts from then.
    last = Math.min(last, now());
    if (now() - last < QUIET_MS) return;
    log({ level: 'warn', event: `${event}_over`, calls });
    calls = 0;
  }

  return {
    clear,
    doubt(detail) {
      clear();
      calls += 1;
      last = now();
      if (calls === 1) log({ level: 'warn', event, ...detail });
    },
  };
}
