import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { formatDecimal } from '../../core/decimal.ts';
import { type Answer, Refusal, refused } from './answer.ts';
import { parseForm } from './form.ts';
import { openJournal } from './journal.ts';
import { route } from './routes.ts';
import { type Decision, emptyWorld, type Meter, type World } from './state.ts';
import { aggregate } from './summaries.ts';

const REPLY_MS = 24 * 3_600_000;

/** A request on its way into the journal: replayed in the same order, all of them come to the same account again. */
export interface Request {
  live: boolean;
  method: string;
  path: string;
  /** The body; of a GET, its query. */
  form: string;
  idempotencyKey: string | null;
}

export interface Circumstances {
  /** Epoch ms. */
  now: number;
  lagMs: number;
  asyncCustomers: boolean;
  /** Answer 500, having done nothing or everything; either is what the idempotency key replays from then on. */
  failing: 'before' | 'after' | null;
}

interface Entry extends Request, Omit<Circumstances, 'lagMs'> {
  seed: string;
}

/** What a meter has counted for a customer on a UTC day. */
export interface DayTotal {
  mode: 'live' | 'test';
  eventName: string;
  customer: string;
  day: string;
  /** Exact, as a decimal. */
  value: string;
}

export interface Account {
  ask(request: Request, circumstances: Circumstances): Answer;
  totals(): DayTotal[];
  asyncErrors(): World['asyncErrors'];
  close(): void;
}

/** The account that a store holds; with `null`, one of this process alone, in memory. */
export function openAccount(storeDir: string | null): Account {
  const worlds = { test: emptyWorld(false), live: emptyWorld(true) };
  const worldOf = ({ live }: { live: boolean }): World => (live ? worlds.live : worlds.test);
  const perform = (entry: Entry): Answer => performIn(worldOf(entry), entry);
  const journal =
    storeDir === null
      ? { catchUp: () => undefined, append: perform, close: () => undefined }
      : openJournal<Entry, Answer>(join(storeDir, 'stripe.journal'), perform);
  return {
    ask(request, { lagMs, ...circumstances }) {
      journal.catchUp();
      const world = worldOf(request);
      const entry: Entry = { ...request, ...circumstances, seed: randomBytes(12).toString('hex') };
      if (entry.method === 'GET') return decide(world, entry, lagMs).answer;
      const replay = replied(world, entry);
      if (replay !== null) return replay;
      const { answer, apply } = decide(world, entry, lagMs);
      if (apply === undefined && entry.failing === null) return answer;
      return journal.append(entry);
    },
    totals() {
      journal.catchUp();
      return [...dayTotals(worlds.test), ...dayTotals(worlds.live)];
    },
    asyncErrors() {
      journal.catchUp();
      return [...worlds.test.asyncErrors, ...worlds.live.asyncErrors];
    },
    close: journal.close,
  };
}

function performIn(world: World, entry: Entry): Answer {
  // Another process may have been faster with the same key.
  const replay = replied(world, entry);
  if (replay !== null) return replay;
  const decision = entry.failing === 'before' ? null : decide(world, entry, 0);
  decision?.apply?.();
  const answer = entry.failing === null && decision !== null ? decision.answer : FAILED;
  const { idempotencyKey: key, now } = entry;
  if (key !== null) {
    const { status, body } = answer;
    world.replies.set(key, { at: now, path: entry.path, form: entry.form, status, body });
    for (const [old, { at }] of world.replies) {
      if (now - at < REPLY_MS) break;
      world.replies.delete(old);
    }
  }
  return answer;
}

function decide(
  world: World,
  { method, path, form, now, seed, asyncCustomers }: Entry,
  lagMs: number,
): Decision {
  try {
    const { handler, ids } = route(method, path);
    let made = 0;
    const id = (prefix: string): string => `${prefix}_${seed}${made++ === 0 ? '' : made}`;
    return handler(world, { ids, path, params: parseForm(form), now, id, lagMs, asyncCustomers });
  } catch (error) {
    if (error instanceof Refusal) return { answer: refused(error.error) };
    throw error;
  }
}

/** What the idempotency key brings back: the first answer, or a refusal where it came with another request. */
function replied(world: World, entry: Entry): Answer | null {
  const reply = entry.idempotencyKey === null ? undefined : world.replies.get(entry.idempotencyKey);
  if (reply === undefined || entry.now - reply.at >= REPLY_MS) return null;
  if (reply.path !== entry.path || reply.form !== entry.form) {
    return refused({
      status: 400,
      type: 'idempotency_error',
      code: null,
      message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${entry.idempotencyKey}' if you meant to execute a different request.`,
      param: null,
    });
  }
  return { status: reply.status, body: reply.body, headers: { 'idempotent-replayed': 'true' } };
}

const FAILED = refused({
  status: 500,
  type: 'api_error',
  code: null,
  message: 'An unknown error occurred',
  param: null,
});

function dayTotals(world: World): DayTotal[] {
  const mode = world.live ? 'live' : 'test';
  return [...world.usage].flatMap(([key, events]) => {
    const [meterId = '', customer = ''] = key.split(' ');
    const meter = world.meters.get(meterId) as Meter;
    const counted = events.filter(({ cancelled }) => !cancelled);
    const days = new Set(counted.map(({ timestamp }) => dayOf(timestamp)));
    return [...days].sort().map((day) => ({
      mode,
      eventName: meter.event_name,
      customer,
      day,
      value: formatDecimal(
        aggregate(
          meter,
          counted.filter(({ timestamp }) => dayOf(timestamp) === day),
        ),
      ),
    }));
  });
}

const dayOf = (timestamp: number): string => new Date(timestamp * 1000).toISOString().slice(0, 10);
