import { type Remainder, settleRequest } from '../core/gate/lease.ts';
import type { Failure, GateWriter } from './gate-write.ts';

type Owed = Remainder & { tenantId: string };

/** What ended leases leave to be written, until a write takes it along or one of its own settles it. */
export interface Remainders {
  add(owed: Owed): void;
  /** Takes one out that a write of that tenant in that month can carry, or `null`. */
  take(tenantId: string, month: string): Remainder | null;
  /** Writes some, or all of one tenant's, or with `all` everything there is, also what is on its way. */
  settle(now: number, which?: { tenantId: string } | 'all'): Promise<void>;
}

/** Settled along with one call, so that it does not wait long for others' sake. */
const AT_ONCE = 8;

export function createRemainders(
  writer: GateWriter,
  failed: (tenantId: string, failure: Failure) => void,
): Remainders {
  /** One a tenant, day and month, however many leases it comes from. */
  const owed = new Map<string, Owed>();
  const underWay = new Set<Promise<void>>();

  function add(more: Owed): void {
    if (more.served === 0 && more.unused === 0) return;
    const name = `${more.tenantId} ${more.day} ${more.month}`;
    const known = owed.get(name);
    const sum = known && { served: known.served + more.served, unused: known.unused + more.unused };
    owed.set(name, { ...more, ...sum });
  }

  async function write(one: Owed, now: number): Promise<void> {
    const reply = await writer.send(settleRequest(one.tenantId, one), now);
    if (reply.kind === 'applied') return;
    if (reply.kind !== 'condition_failed') {
      failed(one.tenantId, reply);
      // In doubt is as good as written: nothing is billed twice.
      if (reply.kind === 'not_applied') add(one);
    } else if (reply.old !== null && one.unused > 0 && one.served > 0) {
      // The month is gone, or has fewer calls than are to be given back: billing does not depend on it.
      await write({ ...one, unused: 0 }, now);
    }
  }

  function start(name: string, one: Owed, now: number): Promise<void> {
    owed.delete(name);
    const writing = write(one, now).finally(() => underWay.delete(writing));
    underWay.add(writing);
    return writing;
  }

  return {
    add,
    take(tenantId, month) {
      for (const [name, one] of owed) {
        if (one.tenantId !== tenantId || one.month !== month) continue;
        owed.delete(name);
        const { tenantId: _, ...remainder } = one;
        return remainder;
      }
      return null;
    },
    async settle(now, which) {
      if (owed.size === 0 && which !== 'all') return;
      const chosen = [...owed]
        .filter(([, { tenantId }]) => typeof which !== 'object' || tenantId === which.tenantId)
        .slice(0, which === undefined ? AT_ONCE : undefined);
      const started = chosen.map(([name, one]) => start(name, one, now));
      await Promise.all(which === 'all' ? underWay : started);
    },
  };
}
