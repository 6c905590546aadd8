import type { Log } from './log.ts';

/** A run of calls of which nobody knows whether they were counted, from the first to the next clear answer. */
interface Incident {
  /** Counts one. Only the first is logged, with its reason. */
  doubt(detail: object): void;
  /** A clear answer: the end of the incident, if there is one, is logged with its count. */
  clear(): void;
}

/** Logged as `event` and, at its end, `<event>_over`. */
export function createIncident(log: Log, event = 'gate_ambiguous'): Incident {
  let calls = 0;
  return {
    doubt(detail) {
      calls += 1;
      if (calls === 1) log({ level: 'warn', event, ...detail });
    },
    clear() {
      if (calls > 0) log({ level: 'warn', event: `${event}_over`, calls });
      calls = 0;
    },
  };
}
