import type { GateItem } from '../../core/gate/layout.ts';
import { foldDue, foldPlan } from '../../core/usage/fold.ts';
import { createLru } from '../lru.ts';
import type { Wire } from '../wire/client.ts';
import { write } from './writes.ts';

/** A tenant is folded at most once an hour by one sandbox: a fold that another overtook comes round again. */
const AGAIN_US = 3_600_000_000;
const REMEMBERED = 10_000;

/**
 * Moves old days off the gates that pass by. Nobody waits for it: sent once, and whatever became of it, the next to
 * see the gate finishes the work. `now`: epoch µs.
 */
export function createFolder(wire: Wire, stack: string): (gate: GateItem, now: number) => void {
  const folded = createLru<number>(REMEMBERED);
  return (gate, now) => {
    if (!foldDue(gate, now / 1000)) return;
    const last = folded.get(gate.PK);
    if (last !== undefined && now - last < AGAIN_US) return;
    folded.set(gate.PK, now);
    const plan = foldPlan(gate, now / 1000);
    if (plan !== null) void write(wire, stack, plan, {}, async () => {});
  };
}
