import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { prepareStoreDir } from '../store-dir.ts';
import { admit, createRate, KEY_IN_USE, LOCKED, OVER_RATE, presentedKey } from './access.ts';
import { type Account, type DayTotal, openAccount, type Request } from './account.ts';
import { type Answer, refused } from './answer.ts';
import { type Control, createControl, type FaultKind, type Settings } from './control.ts';

/** The key that the stand-in's own users present; it takes every key of Stripe's shape. */
export const STAND_IN_KEY = 'sk_test_standin';

export interface StripeStandIn {
  /** `http://127.0.0.1:<port>`, for `SAASCTL_STRIPE_URL`. */
  url: string;
  /** Sets what it shall do, as `POST /_control` does. */
  control(patch: Partial<Settings>): void;
  /** What every meter has counted, by customer and UTC day. */
  totals(): DayTotal[];
  /** Answered requests by status. */
  answers(): Record<number, number>;
  stop(): Promise<void>;
}

/**
 * Serves a stand-in for Stripe on 127.0.0.1, on what `storeDir` holds (`null`: nothing, in memory alone). Any number of
 * them may share a store at the same time: they are one account, and none outlives its process.
 *
 * Besides Stripe's API: `GET /_control` shows settings, totals and counts, `POST /_control` takes settings as JSON.
 * Throws `store_unusable`, `store_full` or `store_too_new` (config).
 */
export async function startStripeStandIn({
  storeDir,
  port = 0,
  clock = Date.now,
  random = Math.random,
}: {
  storeDir: string | null;
  port?: number;
  /** Epoch ms. */
  clock?: () => number;
  random?: () => number;
}): Promise<StripeStandIn> {
  if (storeDir !== null) await prepareStoreDir(storeDir);
  const account = openAccount(storeDir);
  const control = createControl(clock, random);
  const answers: Record<number, number> = {};
  const serve = createService(account, control);
  const server = createServer((request, response) => {
    collect(request, (body) => {
      const reply = (answer: Answer): void => {
        answers[answer.status] = (answers[answer.status] ?? 0) + 1;
        send(response, request, answer, control.now());
      };
      if (request.url === '/_control')
        return reply(controlled(request.method, body, control, account, answers));
      serve(request, body, reply).catch(() => response.destroy());
    });
  });
  server.keepAliveTimeout = 60_000;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  } catch (error) {
    account.close();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    control: control.change,
    totals: account.totals,
    answers: () => ({ ...answers }),
    stop() {
      return new Promise((resolve) => {
        server.close(() => {
          account.close();
          resolve();
        });
        server.closeAllConnections();
      });
    },
  };
}

type Serve = (request: IncomingMessage, body: string, reply: (answer: Answer) => void) => Promise<void>;

/** One request, in Stripe's order: who asks, how often, whether it is alone, and then what it asks. */
function createService(account: Account, { settings, now, faultFor }: Control): Serve {
  const isOverRate = createRate();
  const inFlight = new Set<string>();

  return async (request, body, reply) => {
    const { method = 'GET', url = '/', headers } = request;
    const [path = '/', query = ''] = url.split('?', 2);
    const fault = faultFor(method, path, body);
    if (fault === 'drop_before') return void request.socket.destroy();
    if (fault === 'hang_before') return;
    if (fault === 'html_before' || fault === 'empty_before' || fault === 'unavailable')
      return reply(BROKEN[fault]);
    const admitted = admit(presentedKey(headers.authorization), method, settings.keys);
    if (admitted.answer !== undefined) return reply(admitted.answer);
    const { live } = admitted;
    // By a clock that only goes on: a limit holds in real seconds, whatever day it is here.
    if (settings.perSecond !== null && isOverRate(settings.perSecond, live, performance.now())) {
      const { retryAfter } = settings;
      const after: Record<string, string> = retryAfter === null ? {} : { 'retry-after': String(retryAfter) };
      return reply({ ...OVER_RATE, headers: { ...OVER_RATE.headers, ...after } });
    }
    const key = headers['idempotency-key'];
    const idempotencyKey = typeof key === 'string' ? key : null;
    const asked: Request = { live, method, path, form: method === 'GET' ? query : body, idempotencyKey };
    const locks = settings.latencyMs > 0 ? locksOf(asked) : [];
    const [busy] = locks.filter((lock) => inFlight.has(lock));
    if (busy !== undefined) return reply(busy.startsWith('key ') ? KEY_IN_USE : LOCKED);
    for (const lock of locks) inFlight.add(lock);
    if (settings.latencyMs > 0) await new Promise((done) => setTimeout(done, settings.latencyMs));
    for (const lock of locks) inFlight.delete(lock);
    const answer = ask(account, asked, settings, now(), fault);
    if (fault === 'drop_after') return void request.socket.destroy();
    if (fault === 'hang_after') return;
    reply(fault === 'html_after' || fault === 'empty_after' ? BROKEN[fault] : answer);
  };
}

function ask(
  account: Account,
  request: Request,
  { lagMs, customerErrors }: Settings,
  now: number,
  fault: FaultKind | null,
): Answer {
  const asyncCustomers = customerErrors === 'async';
  const failing = fault === 'error_before' ? 'before' : fault === 'error_after' ? 'after' : null;
  const circumstances = { now, lagMs, asyncCustomers, failing } as const;
  try {
    const answer = account.ask(request, circumstances);
    return fault === 'duplicate' ? account.ask({ ...request, idempotencyKey: null }, circumstances) : answer;
  } catch (error) {
    const message = `the stand-in failed: ${error instanceof Error ? error.message : String(error)}`;
    return refused({ status: 500, type: 'api_error', code: null, message, param: null });
  }
}

/** What a request must have for itself while it runs: its idempotency key, and the customer's meter. */
function locksOf({ live, path, method, form, idempotencyKey }: Request): string[] {
  const locks = idempotencyKey === null ? [] : [`key ${idempotencyKey}`];
  if (method !== 'POST' || path !== '/v1/billing/meter_events') return locks;
  const params = new URLSearchParams(form);
  return [...locks, `meter ${live} ${params.get('event_name')} ${params.get('payload[stripe_customer_id]')}`];
}

const HTML =
  '<!DOCTYPE html><html><head><title>Welcome</title></head><body>Sign in to this network</body></html>';
const BROKEN = {
  html_before: { status: 200, body: HTML, headers: { 'content-type': 'text/html' } },
  html_after: { status: 200, body: HTML, headers: { 'content-type': 'text/html' } },
  empty_before: { status: 200, body: '' },
  empty_after: { status: 200, body: '' },
  unavailable: refused({
    status: 503,
    type: 'api_error',
    code: null,
    message: 'Service unavailable',
    param: null,
  }),
} as const satisfies Partial<Record<FaultKind, Answer>>;

function controlled(
  method: string | undefined,
  body: string,
  { settings, change }: Control,
  account: Account,
  answers: Record<number, number>,
): Answer {
  try {
    if (method === 'POST') change(JSON.parse(body) as Partial<Settings>);
  } catch (error) {
    return { status: 400, body: JSON.stringify({ error: { message: (error as Error).message } }) };
  }
  const totals = method === 'GET' ? { totals: account.totals(), asyncErrors: account.asyncErrors() } : {};
  return { status: 200, body: JSON.stringify({ settings, answers, ...totals }) };
}

const LONGEST_BODY = 256 * 1024;

function collect(request: IncomingMessage, take: (body: string) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > LONGEST_BODY) request.destroy();
    else chunks.push(chunk);
  });
  request.on('end', () => take(Buffer.concat(chunks).toString('utf8')));
}

function send(response: ServerResponse, { headers }: IncomingMessage, answer: Answer, now: number): void {
  const version = headers['stripe-version'];
  const key = headers['idempotency-key'];
  response.writeHead(answer.status, {
    date: new Date(now).toUTCString(),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(answer.body),
    'request-id': `req_${randomBytes(7).toString('hex')}`,
    ...(version === undefined ? {} : { 'stripe-version': version }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
    ...answer.headers,
  });
  response.end(answer.body);
}
