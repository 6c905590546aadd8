import type { Decision } from '../core/gate/decide.ts';
import type { SeenBucket } from '../core/gate/guess.ts';
import { type GateItem, type KeyMapping, keyHashPk } from '../core/gate/layout.ts';
import { rateLimitHeaders, secondsUntil } from '../core/gate/limits.ts';
import { tenantOf } from '../core/gate/tenant.ts';
import { hashKey, type KeyEnv, parseKey } from '../core/keys/format.ts';
import { tableName } from '../core/schema.ts';
import { createDenials, secretName } from './denials.ts';
import { COUNT, createGateWriter, type Failure, type Written } from './gate-write.ts';
import { createIncident } from './incident.ts';
import type { Leases } from './leases.ts';
import type { Log } from './log.ts';
import { createLru } from './lru.ts';
import {
  type AdmitOptions,
  type Gate,
  type Identity,
  type Outcome,
  type Rider,
  refused,
  UNAVAILABLE,
} from './outcome.ts';
import { type Pause, type RetryBudget, retrying } from './retry.ts';
import { type AmbiguousPolicy, createTrust } from './trust.ts';
import type { Wire } from './wire/client.ts';
import { getItem, type ItemReply } from './wire/items.ts';

export interface GateOptions {
  wire: Wire;
  stack: string;
  /** Of the keys minted here. */
  prefix: string;
  envs: readonly KeyEnv[];
  /** Whether keys of another shape may have been imported, and so are looked up. */
  importedKeys: boolean;
  policy: AmbiguousPolicy;
  log: Log;
  /** Compute time that waits for a write to travel with. */
  rider?: Rider | undefined;
  /** Told of each gate as an applied write left it, `now` in epoch µs. Must not throw, nor take long. */
  onGate?: ((gate: GateItem, now: number) => void) | undefined;
  /** Epoch µs, an integer. */
  now?: () => number;
  pause?: Pause;
  /** A random number from 0 up to 1. */
  draw?: () => number;
}

/** Keys and denials a sandbox remembers; a forgotten one costs a read, a wrong guess or a write. */
const REMEMBERED = 10_000;

const wait: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function createGate(options: GateOptions): Gate {
  const { wire, stack, log, rider } = options;
  const { now = () => Date.now() * 1000, pause = wait, draw = Math.random } = options;
  const apiKeys = tableName(stack, 'apiKeys');
  const mappings = createLru<KeyMapping>(REMEMBERED);
  const denials = createDenials(REMEMBERED);
  const trust = createTrust(options.policy, REMEMBERED);
  const incident = createIncident(log, 'gate_ambiguous', () => now() / 1000);
  const buckets = createLru<SeenBucket>(REMEMBERED);
  const onGate = (gate: GateItem, at: number): void => {
    incident.clear();
    options.onGate?.(gate, at);
  };
  const writer = createGateWriter({ wire, stack, buckets, pause, draw, rider, onGate });
  let loading: Promise<Leases> | undefined;
  let leases: Leases | undefined;

  async function check(presentedKey: string): Promise<Outcome> {
    return guarded(async () => {
      const unseen = refusedUnseen(presentedKey, options);
      if (unseen !== null) return unseen;
      const hash = hashKey(presentedKey);
      const mapping = mappings.get(hash) ?? (await lookUp(hash));
      if ('outcome' in mapping) return mapping;
      return options.envs.includes(mapping.env) ? admit(mapping) : refused('environment');
    });
  }

  async function admit(identity: Identity, { scopes }: AdmitOptions = {}): Promise<Outcome> {
    return guarded(async () => {
      // Started first: the write of a busy key takes along what its last lease has left.
      const passing = pass(identity);
      await Promise.all([passing, leases?.settle(now())]);
      const outcome = await passing;
      if (scopes === undefined || outcome.outcome !== 'allowed') return outcome;
      return { ...outcome, tenant: { ...outcome.tenant, scopes: [...scopes] } };
    });
  }

  async function guarded(answer: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await answer();
    } catch (error) {
      return unavailable('gate_failed', { error: String(error) });
    }
  }

  function unavailable(event: string, about: object): Outcome {
    log({ level: 'error', event, ...about });
    return UNAVAILABLE;
  }

  /** Who a key is, read once: a mapping never changes. That a key is unknown is not remembered. */
  async function lookUp(hash: string): Promise<KeyMapping | Outcome> {
    const budget: RetryBudget = { contended: 2, unreachable: 1, ambiguous: 1 };
    const reply = await retrying(() => getItem(wire, apiKeys, { PK: keyHashPk(hash) }), budget, pause);
    if (reply.kind !== 'applied') return unanswered(reply, { table: apiKeys });
    if (reply.item === null) return refused('unknown');
    if (!isMapping(reply.item)) return unavailable('key_mapping_broken', { table: apiKeys });
    mappings.set(hash, reply.item);
    return reply.item;
  }

  async function pass(identity: Identity): Promise<Outcome> {
    const denied = denials.find(identity, now());
    if (denied !== null) return denied;
    if (leases !== undefined) {
      const answer = await leases.serve(identity, now);
      if (answer !== 'exact') {
        const at = now();
        if ('none' in answer) return conclude(answer.none, identity, at);
        return passed(answer.lease.gate, identity, at, answer.lease.held);
      }
      // Refused meanwhile, as one of many who waited for a lease?
      const since = denials.find(identity, now());
      if (since !== null) return since;
    }
    const at = now();
    const written = await writer.write(identity, at, COUNT);
    if (typeof written === 'object' && 'allowed' in written) await noteBusy(identity, written.gate, at);
    return conclude(written, identity, at);
  }

  /** Leases are loaded once a tenant has them. */
  async function noteBusy(identity: Identity, gate: GateItem, at: number): Promise<void> {
    if ((gate.n ?? 1) < 2) return;
    loading ??= import('./leases.ts').then(({ createLeases }) => createLeases(writer, unsettled, REMEMBERED));
    leases = await loading;
    leases.noted(identity, gate, at);
  }

  function unsettled(tenantId: string, failure: Failure): void {
    if (failure.kind === 'ambiguous') doubt(failure, { tenantId });
  }

  function conclude(
    written: Written<Exclude<Decision, { wrongBranch: unknown }>>,
    identity: Identity,
    at: number,
  ): Outcome {
    const { tenantId, keyId } = identity;
    if (written === 'contended') return unavailable('gate_contended', { tenantId, keyId });
    if ('failure' in written) {
      const { failure } = written;
      if (failure.kind !== 'ambiguous') return unanswered(failure, { tenantId, keyId });
      const answer = trust.vouch(secretName(identity), at) ?? UNAVAILABLE;
      doubt(failure, { tenantId, keyId, answer: answer.outcome });
      return answer;
    }
    incident.clear();
    if ('broken' in written) return unavailable('gate_broken', { tenantId, keyId, missing: written.broken });
    if ('allowed' in written) return passed(written.gate, identity, at, 0);
    trust.note(secretName(identity), null, at);
    if (written.denied === 'identity') {
      denials.refuse(identity, written.reason, at);
      return refused(written.reason);
    }
    denials.limit(identity, written, at);
    const headers = rateLimitHeaders(written.gate, keyId, at);
    const retryAfter = secondsUntil(written.retryAt, at);
    return { outcome: 'limited', by: written.denied, tenantId, retryAfter, headers };
  }

  function passed(gate: GateItem, identity: Identity, at: number, held: number): Outcome {
    const tenant = tenantOf(gate, identity, at, held);
    const headers = rateLimitHeaders(gate, identity.keyId, at, held);
    const outcome = { outcome: 'allowed', tenant, headers } as const;
    trust.note(secretName(identity), outcome, at);
    return outcome;
  }

  function doubt({ reason, message }: Failure & { kind: 'ambiguous' }, about: object): void {
    incident.doubt({ reason, message, ...about });
  }

  function unanswered(reply: Exclude<ItemReply, { kind: 'applied' }>, about: object): Outcome {
    const { kind, ...failure } = reply;
    // The update is always well formed: only an item without its counters or rate makes it invalid.
    const broken = 'code' in failure && failure.code === 'ValidationException';
    return unavailable(broken ? 'gate_broken' : 'gate_unavailable', { ...about, ...failure });
  }

  return {
    check,
    admit,
    async settle() {
      try {
        await leases?.settle(now(), true);
      } catch (error) {
        unavailable('gate_failed', { error: String(error) });
      }
    },
    warm: () => wire.warm(),
  };
}

/** What the look of a key already settles, before any I/O; `null` when it has to be looked up. */
function refusedUnseen(key: string, { prefix, envs, importedKeys }: GateOptions): Outcome | null {
  const parsed = parseKey(key, prefix);
  if (parsed.kind === 'foreign') return importedKeys ? null : refused('malformed');
  if (parsed.kind === 'malformed') return refused('malformed');
  return envs.includes(parsed.env) ? null : refused('environment');
}

function isMapping(item: object): item is KeyMapping {
  const { tenantId, keyId, secretId, env } = item as Partial<KeyMapping>;
  const ids = [tenantId, keyId, secretId];
  return ids.every((id) => typeof id === 'string' && id !== '') && (env === 'live' || env === 'test');
}
