import { createHash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Delivery, Sink, SinkProblem, UsageEvent } from '../core/billing/sink.ts';
import { usageError } from '../core/errors.ts';
import { decimalOf } from '../core/usage/metrics.ts';
import { type HttpAnswer, httpOnce, retryAfterMs, TransportError } from './http-once.ts';

const TIMEOUT_MS = 15_000;
const BATCH = 100;
const MOST_CONNECTIONS = 16;
/** How long a refused batch is taken apart: what is left then waits for the next run. */
const HALVING_MS = 30_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export interface WebhookSinkOptions {
  /** What the ledger is kept under, wherever the receiver is. */
  name: string;
  url: string;
  /** `whsec_…`, as the receiver has it. */
  secret: string;
  mode: 'live' | 'test';
  /** Names us to the receiver: with an event's id it makes the event unique. */
  source: string;
  /** Of each metric. */
  units: Readonly<Record<string, string>>;
  perSecond?: number | undefined;
  /** Epoch ms, for the signature. */
  now?: () => number;
  timeoutMs?: number;
}

/**
 * A receiver of one's own: batches of CloudEvents (`application/cloudevents-batch+json`), signed by the rules of
 * standard-webhooks. An attempt that may have arrived is repeated with the same event ids: the receiver must keep them
 * and count each once. Throws `webhook_secret_invalid` or `webhook_url_invalid` (usage).
 */
export function webhookSink(options: WebhookSinkOptions): Sink {
  const { mode, now = Date.now, timeoutMs = TIMEOUT_MS } = options;
  const url = checkUrl(options.url);
  const signer = signerOf(options.secret);
  const http = httpOnce(MOST_CONNECTIONS);

  async function attempt(events: readonly UsageEvent[]): Promise<Verdict> {
    const body = JSON.stringify(events.map((event) => cloudEvent(event, options)));
    const id = batchId(events);
    const at = new Date(now());
    try {
      const answer = await http.send({
        protocol: url.protocol === 'http:' ? 'http' : 'https',
        host: url.hostname,
        port: url.port || (url.protocol === 'http:' ? 80 : 443),
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        headers: {
          'content-type': 'application/cloudevents-batch+json; charset=utf-8',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'saasctl',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': signer.sign(id, at, body),
        },
        body,
        timeoutMs,
      });
      return verdictOn(answer, now());
    } catch (error) {
      return { delivery: unanswered(error), refused: null };
    }
  }

  /** What is wrong with one event must not hold up the others: a batch refused for what it holds is halved. */
  async function deliver(events: readonly UsageEvent[], until: number): Promise<Delivery[]> {
    const { delivery, refused } = await attempt(events);
    const [first] = events;
    if (refused === null || first === undefined) return events.map(() => delivery);
    if (events.length === 1) return [{ ...refused, message: refusalOf(refused, first) }];
    const middle = Math.ceil(events.length / 2);
    const answers: Delivery[] = [];
    for (const half of [events.slice(0, middle), events.slice(middle)]) {
      const isStopped = answers.some(stops) || now() > until;
      answers.push(...(isStopped ? half.map(() => NOT_TRIED) : await deliver(half, until)));
    }
    return answers;
  }

  return {
    name: 'webhook',
    mode,
    needsCustomer: false,
    batch: BATCH,
    perSecond: options.perSecond ?? null,
    backdateDays: null,
    // The receiver's promise: it keeps ids.
    dedupeHours: null,
    account: async () => options.name,
    preflight: async () => insecure(url),
    deliver: (events) => deliver(events, now() + HALVING_MS),
    total: async () => null,
    async close() {
      http.close();
    },
  };
}

function cloudEvent(
  { id, tenantId, customer, meter, day, value, timestamp }: UsageEvent,
  { source, units }: WebhookSinkOptions,
) {
  return {
    specversion: '1.0',
    id,
    source,
    type: 'saasctl.usage.v1',
    subject: tenantId,
    time: new Date(timestamp * 1000).toISOString(),
    datacontenttype: 'application/json',
    data: {
      tenantId,
      customer,
      metric: meter.metric,
      eventName: meter.eventName,
      measure: meter.measure,
      day,
      // A string: a JSON number would be a double at the other side.
      value: decimalOf(value, meter.scale),
      unit: units[meter.metric] ?? null,
    },
  };
}

/** The same for the same events, so that a batch that is sent again is the same message. */
const batchId = (events: readonly UsageEvent[]): string =>
  `msg_${createHash('sha256')
    .update(events.map(({ id }) => id).join('\n'))
    .digest('hex')
    .slice(0, 32)}`;

type Rejected = Extract<Delivery, { kind: 'rejected' }>;
/** `refused`: the receiver read the batch and took none of it, for what is in it. */
type Verdict = { delivery: Delivery; refused: null } | { delivery: Rejected; refused: Rejected };

function verdictOn({ status, headers }: HttpAnswer, now: number): Verdict {
  const message = `the receiver answered ${status}`;
  if (CONTENT.has(status)) {
    const refused: Rejected = { kind: 'rejected', reason: 'invalid', message };
    return { delivery: refused, refused };
  }
  const afterMs = retryAfterMs(headers['retry-after'], now);
  return { delivery: plainVerdict(status, afterMs, message), refused: null };
}

const CONTENT = new Set([400, 413, 422]);

function plainVerdict(status: number, afterMs: number | null, said: string): Delivery {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 429 || (status === 503 && afterMs !== null)) {
    return { kind: 'retry', reason: 'rate', message: said, afterMs };
  }
  if (status === 409) return { kind: 'retry', reason: 'conflict', message: said, afterMs };
  if (status === 408) return { kind: 'ambiguous', reason: 'timeout', message: said };
  if (status >= 500) return { kind: 'ambiguous', reason: 'server_error', message: said };
  const why = STOPPING[status >= 300 && status < 400 ? 300 : status];
  return { kind: 'rejected', reason: why === undefined ? 'invalid' : 'unauthorized', message: why ?? said };
}

/** What no other event would fare better with. */
const STOPPING: Readonly<Record<number, string>> = {
  300: 'the receiver answers with a redirect, which is not followed: put the address that it leads to into "billing"."webhook"."url"',
  401: 'the receiver answered 401: it does not take our signature; check SAASCTL_WEBHOOK_SECRET',
  403: 'the receiver answered 403: it does not take our signature; check SAASCTL_WEBHOOK_SECRET',
  404: 'the receiver answered 404: check "billing"."webhook"."url"',
  410: 'the receiver answered 410 Gone: it wants no more events; change or remove "billing"."webhook"',
};

/** Whoever has put the receiver right says so, or writes the usage off. */
const refusalOf = ({ message }: Rejected, { tenantId, meter, day }: UsageEvent): string =>
  `${message} to this event; once it takes it: saasctl usage correct ${tenantId} --sink webhook --meter ${meter.eventName} --day ${day} --clear-flag`;

/** No other event would fare better just now. */
const stops = (delivery: Delivery): boolean =>
  delivery.kind === 'rejected' ? delivery.reason !== 'invalid' : delivery.kind !== 'delivered';

/** It was in a batch that was refused whole, and has not been sent since. */
const NOT_TRIED: Delivery = {
  kind: 'retry',
  reason: 'conflict',
  message: 'the receiver refused the batch that it was in; it goes again with fewer',
  afterMs: null,
};

function unanswered(error: unknown): Delivery {
  if (!(error instanceof TransportError)) {
    return {
      kind: 'ambiguous',
      reason: 'reset',
      message: error instanceof Error ? error.message : String(error),
    };
  }
  const { failure, message } = error;
  if (failure === 'unreachable') return { kind: 'retry', reason: failure, message, afterMs: null };
  return { kind: 'ambiguous', reason: failure, message };
}

function insecure({ protocol, hostname }: URL): SinkProblem[] {
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return [];
  return [
    {
      meter: null,
      code: 'webhook_insecure',
      message: `the webhook to ${hostname} would go over http, for everyone to read`,
      hint: 'http is for 127.0.0.1 alone',
      next: 'set an https address as "billing"."webhook"."url" in saasctl.json',
    },
  ];
}

function checkUrl(text: string): URL {
  if (URL.canParse(text) && /^https?:\/\//.test(text)) return new URL(text);
  throw usageError('webhook_url_invalid', '"billing"."webhook"."url" is not an http or https URL', {
    next: 'saasctl config show --origin',
  });
}

/** The library takes a secret of any length. */
function signerOf(secret: string): Webhook {
  try {
    const { length } = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    if (length < 24 || length > 64) throw new RangeError('length');
    return new Webhook(secret);
  } catch {
    // What the library says of a secret is no help, and might show a part of it.
    throw usageError('webhook_secret_invalid', 'the webhook secret is not one of standard-webhooks', {
      hint: 'it is whsec_ and 24 to 64 bytes in base64',
      next: 'export SAASCTL_WEBHOOK_SECRET="whsec_$(openssl rand -base64 32)"',
    });
  }
}
