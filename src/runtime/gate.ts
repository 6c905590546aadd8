import { type Decision, decide, type GateAnswer } from '../core/gate/decide.ts';
import { guessBranch } from '../core/gate/guess.ts';
import { type GateItem, type KeyMapping, keyHashPk } from '../core/gate/layout.ts';
import { rateLimitHeaders, secondsUntil } from '../core/gate/limits.ts';
import { gateRequest } from '../core/gate/request.ts';
import { tenantOf } from '../core/gate/tenant.ts';
import { hashKey, type KeyEnv, parseKey } from '../core/keys/format.ts';
import { tableName } from '../core/schema.ts';
import type { Log } from './log.ts';
import { createLru } from './lru.ts';
import { type Gate, type Outcome, refused, UNAVAILABLE } from './outcome.ts';
import { type Pause, type RetryBudget, retrying } from './retry.ts';
import { type AmbiguousPolicy, createTrust } from './trust.ts';
import type { Wire } from './wire/client.ts';
import { getItem, type ItemReply, updateItem } from './wire/items.ts';
import type { Item } from './wire/marshal.ts';

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
  /** Epoch µs, an integer. */
  now?: () => number;
  pause?: Pause;
}

/** Keys a sandbox remembers; a forgotten one costs a read, or a wrong guess. */
const REMEMBERED = 10_000;
/** A wrong guess corrects itself: part, full, and part again is the most that can happen. */
const MAX_TRIES = 3;

const wait: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function createGate(options: GateOptions): Gate {
  const { wire, stack, log, now = () => Date.now() * 1000, pause = wait } = options;
  const gates = tableName(stack, 'gates');
  const apiKeys = tableName(stack, 'apiKeys');
  const mappings = createLru<KeyMapping>(REMEMBERED);
  const lastTats = createLru<number>(REMEMBERED);
  const trust = createTrust(options.policy, REMEMBERED);

  async function check(presentedKey: string): Promise<Outcome> {
    try {
      const unseen = refusedUnseen(presentedKey, options);
      if (unseen !== null) return unseen;
      const hash = hashKey(presentedKey);
      const mapping = mappings.get(hash) ?? (await lookUp(hash));
      if ('outcome' in mapping) return mapping;
      return options.envs.includes(mapping.env) ? await pass(mapping, hash) : refused('environment');
    } catch (error) {
      log({ level: 'error', event: 'gate_failed', error: String(error) });
      return UNAVAILABLE;
    }
  }

  /** Who a key is, read once: a mapping never changes. That a key is unknown is not remembered. */
  async function lookUp(hash: string): Promise<KeyMapping | Outcome> {
    const budget: RetryBudget = { contended: 2, unreachable: 1, ambiguous: 1 };
    const reply = await retrying(() => getItem(wire, apiKeys, { PK: keyHashPk(hash) }), budget, pause);
    if (reply.kind !== 'applied') return unanswered(reply, { table: apiKeys });
    if (reply.item === null) return refused('unknown');
    if (!isMapping(reply.item)) {
      log({ level: 'error', event: 'key_mapping_broken', table: apiKeys });
      return UNAVAILABLE;
    }
    mappings.set(hash, reply.item);
    return reply.item;
  }

  async function pass(mapping: KeyMapping, hash: string): Promise<Outcome> {
    const { tenantId, keyId, secretId } = mapping;
    const bucket = `${tenantId}#${keyId}`;
    const at = now();
    // A counter is sent again only where it provably did not count.
    const budget: RetryBudget = { contended: 2, unreachable: 1 };
    let branch = guessBranch(lastTats.get(bucket), at);

    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const call = { tenantId, keyId, secretId, now: at, branch };
      const request = { TableName: gates, ...gateRequest(call) };
      const reply = await retrying(() => updateItem(wire, request), budget, pause);
      if (reply.kind === 'ambiguous') return onTrust(reply, mapping, hash, at);
      if (reply.kind === 'not_applied') return unanswered(reply, { tenantId, keyId });
      const decision = decide(call, answerOf(reply));
      if ('wrongBranch' in decision) {
        branch = decision.wrongBranch;
        continue;
      }
      if ('gate' in decision) lastTats.set(bucket, decision.gate.k[keyId]?.tat ?? 0);
      const outcome = outcomeOf(decision, mapping, at);
      trust.note(hash, outcome, at);
      return outcome;
    }
    log({ level: 'error', event: 'gate_contended', tenantId, keyId });
    return UNAVAILABLE;
  }

  function outcomeOf(
    decision: Exclude<Decision, { wrongBranch: unknown }>,
    mapping: KeyMapping,
    at: number,
  ): Outcome {
    const { tenantId, keyId } = mapping;
    if ('broken' in decision) {
      log({ level: 'error', event: 'gate_broken', tenantId, keyId, missing: decision.broken });
      return UNAVAILABLE;
    }
    if (!('gate' in decision)) return refused(decision.reason);
    const headers = rateLimitHeaders(decision.gate, keyId, at);
    if ('allowed' in decision)
      return { outcome: 'allowed', tenant: tenantOf(decision.gate, mapping, at), headers };
    const retryAfter = secondsUntil(decision.retryAt, at);
    return { outcome: 'limited', by: decision.denied, tenantId, retryAfter, headers };
  }

  function onTrust(
    failure: ItemReply & { kind: 'ambiguous' },
    mapping: KeyMapping,
    hash: string,
    at: number,
  ): Outcome {
    const answer = trust.vouch(hash, at) ?? UNAVAILABLE;
    const { reason, message } = failure;
    const { tenantId, keyId } = mapping;
    log({ level: 'warn', event: 'gate_ambiguous', tenantId, keyId, reason, message, answer: answer.outcome });
    return answer;
  }

  function unanswered(reply: Exclude<ItemReply, { kind: 'applied' }>, about: object): Outcome {
    const { kind, ...failure } = reply;
    // The update is always well formed: only an item without its counters or rate makes it invalid.
    const broken = 'code' in failure && failure.code === 'ValidationException';
    log({ level: 'error', event: broken ? 'gate_broken' : 'gate_unavailable', ...about, ...failure });
    return UNAVAILABLE;
  }

  return { check, warm: () => wire.warm() };
}

/** What the look of a key already settles, before any I/O; `null` when it has to be looked up. */
function refusedUnseen(key: string, { prefix, envs, importedKeys }: GateOptions): Outcome | null {
  const parsed = parseKey(key, prefix);
  if (parsed.kind === 'foreign') return importedKeys ? null : refused('malformed');
  if (parsed.kind === 'malformed') return refused('malformed');
  return envs.includes(parsed.env) ? null : refused('environment');
}

function answerOf(reply: ItemReply<Item> & { kind: 'applied' | 'condition_failed' }): GateAnswer {
  return reply.kind === 'applied'
    ? { applied: true, item: reply.item as unknown as GateItem }
    : { applied: false, item: reply.old as unknown as GateItem | null };
}

function isMapping(item: object): item is KeyMapping {
  const { tenantId, keyId, secretId, env } = item as Partial<KeyMapping>;
  const ids = [tenantId, keyId, secretId];
  return ids.every((id) => typeof id === 'string' && id !== '') && (env === 'live' || env === 'test');
}
