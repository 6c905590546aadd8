import { createGate, type GateOptions } from '../../src/runtime/gate.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { NOON, STACK } from '../fixtures/gate.ts';

type Line = Parameters<GateOptions['log']>[0];

/** A gate over a wire, with a clock that stands still unless moved and a log to look at. */
export function gateOver(wire: Wire, more: Partial<GateOptions> = {}) {
  const lines: Line[] = [];
  const pauses: number[] = [];
  const clock = { now: NOON };
  const gate = createGate({
    wire,
    stack: STACK,
    prefix: 'anb',
    envs: ['live'],
    importedKeys: false,
    policy: 'deny',
    log: (line) => lines.push(line),
    now: () => clock.now,
    pause: async (ms) => void pauses.push(ms),
    ...more,
  });
  return { gate, lines, pauses, clock };
}
