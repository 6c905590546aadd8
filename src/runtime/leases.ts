import { identityProblem } from '../core/gate/decide.ts';
import type { GateItem, GateKey } from '../core/gate/layout.ts';
import {
  decideLease,
  LEASE_TIME,
  type LeaseDecision,
  leaseRequest,
  type Remainder,
} from '../core/gate/lease.ts';
import { dayOf, monthOf } from '../core/time.ts';
import { bucketName } from './denials.ts';
import type { Failure, GateWriter, Settled, Written } from './gate-write.ts';
import { createLru } from './lru.ts';
import type { Identity } from './outcome.ts';
import { createRemainders } from './remainders.ts';

/** Calls of one key, taken with one write and served from memory from `from` until `until`, epoch µs. */
interface Lease {
  identity: Identity;
  taken: number;
  served: number;
  from: number;
  until: number;
  gate: GateItem;
}

/** How busy a key was lately, and the terms its gate gave: what the next lease is made of. */
interface Demand {
  /** The most that may be taken at once. */
  most: number;
  T: number;
  limit: number;
  /** Calls taken by the last write, and when, epoch µs. */
  size: number;
  at: number;
}

/** No lease was taken, for a reason that holds for everybody who waited for it. */
export type NoLease = Exclude<Written<Settled<LeaseDecision>>, { allowed: true } | { available: number }>;

/**
 * `lease`: served from memory; the gate as its lease left it, and how many calls that still holds.
 * `exact`: this one call has to be asked for by itself.
 */
export type LeaseAnswer = { lease: { gate: GateItem; held: number } } | { none: NoLease } | 'exact';

export interface Leases {
  /** Serves one call from a lease, which a busy key takes when it has none. */
  serve(identity: Identity, now: () => number): Promise<LeaseAnswer>;
  /** Notes a call that passed by itself: whether more are taken next depends on it. */
  noted(identity: Identity, gate: GateItem, now: number): void;
  /** Bills what leases whose time has passed have served, some with each call; with `all`, every lease at once. */
  settle(now: number, all?: boolean): Promise<void>;
}

/** Others' leases that a call waits for before it is asked for by itself. */
const MAX_ROUNDS = 10;
/** Where UTC days end, µs. */
const DAY = 86_400_000_000;

/** `failed` is told of a settlement that got no clear answer. A module of its own: few tenants have leases. */
export function createLeases(
  writer: GateWriter,
  failed: (tenantId: string, failure: Failure) => void,
  max: number,
): Leases {
  const remainders = createRemainders(writer, failed);
  const demands = createLru<Demand>(max);
  /** By bucket, the oldest first. */
  const leases = new Map<string, Lease>();
  const flights = new Map<string, { secretId: string; answer: Promise<NoLease | 'leased' | 'exact'> }>();

  async function serve(identity: Identity, now: () => number): Promise<LeaseAnswer> {
    const bucket = bucketName(identity);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const at = now();
      const lease = leases.get(bucket);
      if (lease !== undefined && holds(lease, at)) return draw(lease, identity, at);
      let flight = flights.get(bucket);
      if (flight === undefined) {
        const size = nextSize(demands.get(bucket), lease, at);
        if (size < 2) return 'exact';
        const answer = take(bucket, identity, size, at).finally(() => flights.delete(bucket));
        flight = { secretId: identity.secretId, answer };
        flights.set(bucket, flight);
      }
      const answer = await flight.answer;
      if (answer === 'leased') continue;
      // What is wrong with one secret of a key says nothing of another.
      if (answer === 'exact' || flight.secretId !== identity.secretId) return 'exact';
      return { none: answer };
    }
    return 'exact';
  }

  function draw(lease: Lease, identity: Identity, at: number): LeaseAnswer {
    // A secret made since is not on the lease's gate, and one that expires does so to the microsecond.
    if (identityProblem(lease.gate, { ...identity, now: at }) !== null) return 'exact';
    lease.served += 1;
    return { lease: { gate: lease.gate, held: lease.taken - lease.served } };
  }

  async function take(bucket: string, identity: Identity, size: number, at: number) {
    const demand = demands.get(bucket) as Demand;
    const before = leases.get(bucket);
    // From here on nothing more is served from it: what it has served is being billed.
    leases.delete(bucket);
    if (before !== undefined) remainders.add(remainderOf(before));
    const remainder = remainders.take(identity.tenantId, monthOf(at / 1000));
    let { T, limit } = demand;
    for (let wanted = size; ; ) {
      const written = await write(identity, at, { take: wanted, T, limit, remainder });
      if (typeof written === 'object' && 'allowed' in written) {
        const until = Math.min(at + LEASE_TIME, (Math.floor(at / DAY) + 1) * DAY);
        leases.set(bucket, { identity, taken: wanted, served: 0, from: at, until, gate: written.gate });
        // Halved where less was to be had, so that the next one asks for as much, not for twice it.
        note(bucket, identity, written.gate, wanted < size ? wanted / 2 : wanted, at);
        return 'leased' as const;
      }
      if (typeof written === 'object' && 'available' in written) {
        note(bucket, identity, written.gate, 0, at);
        const key = written.gate.k[identity.keyId] as GateKey;
        // The second time somebody else was faster.
        if (written.available >= 2 && wanted === size) {
          wanted = written.available;
          [T, limit] = [key.T, written.gate.limit];
          continue;
        }
        if (remainder !== null) remainders.add({ tenantId: identity.tenantId, ...remainder });
        // Its unused calls may be the last of the quota.
        await remainders.settle(at, identity);
        return 'exact' as const;
      }
      const inDoubt =
        typeof written === 'object' && 'failure' in written && written.failure.kind === 'ambiguous';
      if (remainder !== null && !inDoubt) remainders.add({ tenantId: identity.tenantId, ...remainder });
      return written;
    }
  }

  function write(
    identity: Identity,
    at: number,
    terms: { take: number; T: number; limit: number; remainder: Remainder | null },
  ) {
    return writer.write<LeaseDecision>(identity, at, {
      request: (call) => leaseRequest({ ...call, ...terms }),
      decide: (call, answer) => decideLease({ ...call, ...terms }, answer),
      leads: false,
    });
  }

  function note(bucket: string, { keyId }: Identity, gate: GateItem, size: number, at: number): void {
    const key = gate.k[keyId];
    const most = key === undefined ? 1 : Math.min(gate.n ?? 1, key.T === 0 ? Infinity : key.bm / key.T + 2);
    if (key === undefined || most < 2) demands.delete(bucket);
    else demands.set(bucket, { most, T: key.T, limit: gate.limit, size, at });
  }

  return {
    serve,
    noted(identity, gate, now) {
      note(bucketName(identity), identity, gate, 1, now);
    },
    async settle(now, all = false) {
      if (all) await Promise.all([...flights.values()].map(({ answer }) => answer));
      for (const [bucket, lease] of leases) {
        // Oldest first: behind one that still holds there is none whose time has passed.
        if (!all && inTime(lease, now)) break;
        leases.delete(bucket);
        remainders.add(remainderOf(lease));
      }
      await remainders.settle(now, all ? 'all' : undefined);
    },
  };
}

const inTime = ({ from, until }: Lease, at: number): boolean => from <= at && at < until;
const holds = (lease: Lease, at: number): boolean => inTime(lease, at) && lease.served < lease.taken;

function remainderOf({ identity, taken, served, from }: Lease) {
  const [day, month] = [dayOf(from / 1000), monthOf(from / 1000)];
  return { tenantId: identity.tenantId, day, month, served, unused: taken - served };
}

/** Twice as many while a key uses them up, as many as it used otherwise, one after a pause. */
function nextSize(demand: Demand | undefined, last: Lease | undefined, at: number): number {
  if (demand === undefined) return 1;
  const age = at - demand.at;
  if (age < 0 || age >= 2 * LEASE_TIME) return 1;
  const size = age < LEASE_TIME ? demand.size * 2 : (last?.served ?? 1);
  return Math.min(demand.most, Math.max(1, Math.floor(size)));
}
