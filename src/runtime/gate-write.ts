import { type Decision, decide, type GateAnswer } from '../core/gate/decide.ts';
import { guessBranch, learn, type SeenBucket } from '../core/gate/guess.ts';
import type { GateItem } from '../core/gate/layout.ts';
import type { LeaseDecision } from '../core/gate/lease.ts';
import { type Branch, type GateCall, type GateRequest, gateRequest } from '../core/gate/request.ts';
import { tableName } from '../core/schema.ts';
import { dayOf } from '../core/time.ts';
import { bucketName } from './denials.ts';
import type { Lru } from './lru.ts';
import type { Identity, Rider } from './outcome.ts';
import { type Pause, type RetryBudget, retrying } from './retry.ts';
import type { Wire } from './wire/client.ts';
import { type ItemReply, updateItem } from './wire/items.ts';
import type { Item } from './wire/marshal.ts';

export interface WriterOptions {
  wire: Wire;
  stack: string;
  /** What is remembered of each bucket, by its name. */
  buckets: Lru<SeenBucket>;
  pause: Pause;
  /** A random number from 0 up to 1. */
  draw: () => number;
  rider: Rider | undefined;
  /** Told of each gate that a write left behind. */
  onGate: (gate: GateItem, now: number) => void;
}

export type Failure = Exclude<ItemReply, { kind: 'applied' | 'condition_failed' }>;
/** What a write came to: the gate's word, no word, or a gate that kept contradicting itself. */
export type Written<D> = D | { failure: Failure } | 'contended';
export type Settled<D> = Exclude<D, { wrongBranch: unknown }>;

/** How a write is asked for, and how its answer is read. */
export interface Ask<D extends LeaseDecision> {
  request(call: GateCall): GateRequest;
  decide(call: GateCall, answer: GateAnswer): D;
  /** Whether it can put a bucket ahead. */
  leads: boolean;
}

/** The writes of a gate. Each counts once at most: it is sent again only where it provably was not applied. */
export interface GateWriter {
  /** One call, or a lease of several: tried with the branch that is likely, then with the one that is right. */
  write<D extends LeaseDecision>(identity: Identity, now: number, ask: Ask<D>): Promise<Written<Settled<D>>>;
  /** One update without a choice of branches. */
  send(request: GateRequest, now: number): Promise<ItemReply<Item>>;
}

export const COUNT: Ask<Decision> = { request: gateRequest, decide, leads: true };

/** Wrong guesses correct themselves: part, full, and part again; one more where a lead stood in the way. */
const MAX_TRIES = 4;

export function createGateWriter(options: WriterOptions): GateWriter {
  const { wire, stack, buckets, pause, draw, rider, onGate } = options;
  const gates = tableName(stack, 'gates');
  // A counter is sent again only where it provably did not count.
  const send = (request: GateRequest, budget: RetryBudget) =>
    retrying(() => updateItem(wire, { TableName: gates, ...request }), budget, pause);

  async function write<D extends LeaseDecision>(
    identity: Identity,
    now: number,
    ask: Ask<D>,
  ): Promise<Written<Settled<D>>> {
    const { tenantId, keyId } = identity;
    const bucket = bucketName(identity);
    const seen = buckets.get(bucket);
    const budget: RetryBudget = { contended: 2, unreachable: 1 };
    const guess = guessBranch(seen, now, draw);
    let { branch, lead } = ask.leads ? guess : { ...guess, lead: 0 };
    const day = dayOf(now / 1000);
    const load = rider?.take(tenantId, day) ?? null;
    const compute = load?.ms ?? 0;
    // What may have been applied never goes back: compute time is not billed twice either.
    let returns = load;
    try {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const call = { ...identity, now, branch, lead, compute };
        returns = null;
        const reply = await send(ask.request(call), budget);
        if (reply.kind === 'ambiguous') return { failure: reply };
        if (reply.kind !== 'applied') returns = load;
        if (reply.kind === 'not_applied') return { failure: reply };
        const answer = answerOf(reply);
        const decision = ask.decide(call, answer);
        if ('wrongBranch' in decision) {
          lead = ask.leads && branch === 'part' ? (seen?.lead ?? 0) : 0;
          branch = decision.wrongBranch;
          continue;
        }
        if ('gate' in decision)
          remember(bucket, decision.gate, keyId, { now, first: guess.branch, right: branch });
        if (answer.applied) onGate(answer.item, now);
        return decision as Settled<D>;
      }
      return 'contended';
    } finally {
      if (returns !== null) rider?.giveBack(tenantId, day, returns);
    }
  }

  function remember(
    bucket: string,
    gate: GateItem,
    keyId: string,
    outcome: { now: number; first: Branch; right: Branch },
  ): void {
    const key = gate.k[keyId];
    if (key !== undefined) buckets.set(bucket, learn(buckets.get(bucket), key, outcome));
  }

  return {
    write,
    async send(request, now) {
      const reply = await send(request, { contended: 2, unreachable: 1 });
      if (reply.kind === 'applied') onGate(reply.item as unknown as GateItem, now);
      return reply;
    },
  };
}

function answerOf(reply: ItemReply<Item> & { kind: 'applied' | 'condition_failed' }): GateAnswer {
  return reply.kind === 'applied'
    ? { applied: true, item: reply.item as unknown as GateItem }
    : { applied: false, item: reply.old as unknown as GateItem | null };
}
