import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebhookSinkOptions, webhookSink } from '../../src/adapters/webhook-sink.ts';
import type { Sink } from '../../src/core/billing/sink.ts';
import { CALLS, usageEvent } from '../fixtures/stripe.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** Never, or only half of it. */
  silent?: 'all' | 'body';
}

/** A receiver that counts every event once, by its id, and answers as it is told. */
interface Receiver {
  url: string;
  requests: { headers: IncomingHttpHeaders; body: string }[];
  answers: Answer[];
  counted: Map<string, string>;
  /** The status for a batch with this event in it; `null`: no objection. */
  refuses: (event: { id: string }) => number | null;
  server: Server;
}

let receiver: Receiver;
const sinks: Sink[] = [];
beforeEach(async () => {
  const requests: Receiver['requests'] = [];
  const answers: Answer[] = [];
  const counted = new Map<string, string>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      requests.push({ headers: request.headers, body });
      const refusal = (JSON.parse(body) as { id: string }[])
        .map(receiver.refuses)
        .find((one) => one !== null);
      const { status, headers, silent } = answers.shift() ?? { status: refusal ?? 200 };
      if (status < 300 || silent !== undefined) {
        const events = new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
        for (const { id, data } of events as { id: string; data: { value: string } }[])
          counted.set(id, data.value);
      }
      if (silent === 'all') return;
      response.writeHead(status, headers);
      if (silent === 'body') response.write('{');
      else response.end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/usage?token=s3cret`,
    requests,
    answers,
    counted,
    refuses: () => null,
    server,
  };
});
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
  receiver.server.closeAllConnections();
  await new Promise((closed) => receiver.server.close(closed));
});

function open(more: Partial<WebhookSinkOptions> = {}): Sink {
  const sink = webhookSink({
    name: 'webhook',
    url: receiver.url,
    secret: SECRET,
    mode: 'live',
    source: 'saasctl/shop',
    units: { api_calls: 'calls' },
    timeoutMs: 60_000,
    ...more,
  });
  sinks.push(sink);
  return sink;
}

const batch = ['e1', 'e2'].map((id) => usageEvent(id, 'cus_1', 5));

describe('what is sent', () => {
  it('is a batch of CloudEvents, signed by standard-webhooks', async () => {
    const meter = { ...CALLS, scale: 3 };
    expect(await open().deliver([usageEvent('e1', 'cus_1', 1500, { meter })])).toEqual([
      { kind: 'delivered' },
    ]);
    const [{ headers, body }] = receiver.requests as [Receiver['requests'][0]];
    expect(headers['content-type']).toBe('application/cloudevents-batch+json; charset=utf-8');
    expect(JSON.parse(body)).toEqual([
      {
        specversion: '1.0',
        id: 'e1',
        source: 'saasctl/shop',
        type: 'saasctl.usage.v1',
        subject: 'acme',
        time: '2026-11-22T12:00:00.000Z',
        datacontenttype: 'application/json',
        data: {
          tenantId: 'acme',
          customer: 'cus_1',
          metric: 'api_calls',
          eventName: 'api_calls',
          measure: 'sum',
          day: '2026-11-22',
          value: '1.5',
          unit: 'calls',
        },
      },
    ]);
    const forged = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`);
    expect(() => forged.verify(body, headers as Record<string, string>)).toThrow('No matching signature');
    expect(() =>
      new Webhook(SECRET).verify(body.replace('1.5', '9.5'), headers as Record<string, string>),
    ).toThrow();
  });

  it('is the same message when the same events are sent again, and another for others', async () => {
    const sink = open();
    for (const events of [batch, batch, batch.slice(1)]) await sink.deliver(events);
    const [a, b, c] = receiver.requests.map(({ headers }) => headers['webhook-id']);
    expect(a).toBe(b);
    expect(c).not.toBe(a);
  });
});

describe('what an answer means', () => {
  it.each<[number, Record<string, string>, object]>([
    [204, {}, { kind: 'delivered' }],
    [429, { 'retry-after': '7' }, { kind: 'retry', reason: 'rate', afterMs: 7_000 }],
    [429, {}, { kind: 'retry', reason: 'rate', afterMs: null }],
    [503, { 'retry-after': '60' }, { kind: 'retry', reason: 'rate', afterMs: 60_000 }],
    [503, {}, { kind: 'ambiguous', reason: 'server_error' }],
    [500, {}, { kind: 'ambiguous', reason: 'server_error' }],
    [405, {}, { kind: 'rejected', reason: 'invalid' }],
    [
      401,
      {},
      {
        kind: 'rejected',
        reason: 'unauthorized',
        message: expect.stringContaining('SAASCTL_WEBHOOK_SECRET'),
      },
    ],
    [301, { location: 'http://elsewhere.test/' }, { kind: 'rejected', reason: 'unauthorized' }],
    [410, {}, { kind: 'rejected', reason: 'unauthorized', message: expect.stringContaining('410 Gone') }],
  ])('%i %o', async (status, headers, expected) => {
    receiver.answers.push({ status, headers });
    expect(await open().deliver(batch)).toMatchObject([expected, expected]);
    expect(receiver.requests).toHaveLength(1);
  });

  it.each([400, 413, 422])(
    '%i for one of many: the others are taken, and it says what to do',
    async (status) => {
      const five = ['e1', 'e2', 'bad', 'e4', 'e5'].map((id) => usageEvent(id, 'cus_1', 5));
      const sink = open();
      receiver.refuses = ({ id }) => (id === 'bad' ? status : null);
      const taken = { kind: 'delivered' };
      expect(await sink.deliver(five)).toMatchObject([
        taken,
        taken,
        {
          kind: 'rejected',
          reason: 'invalid',
          message: `the receiver answered ${status} to this event; once it takes it: saasctl usage correct acme --sink webhook --meter api_calls --day 2026-11-22 --clear-flag`,
        },
        taken,
        taken,
      ]);
      expect([...receiver.counted.keys()]).toEqual(['e1', 'e2', 'e4', 'e5']);
    },
  );

  it('a batch is not taken apart for longer than a mark holds', async () => {
    receiver.refuses = () => 400;
    let at = 0;
    const slow = open({ now: () => (at += 20_000) });
    const left = { kind: 'retry', reason: 'conflict' };
    expect(await slow.deliver(batch)).toMatchObject([left, left]);
    expect(receiver.requests).toHaveLength(1);
  });

  it('a batch in parts ends where the receiver wants a pause: what is left goes with the next run', async () => {
    receiver.answers.push({ status: 400 }, { status: 429 });
    expect(await open().deliver(batch)).toMatchObject([
      { kind: 'retry', reason: 'rate' },
      { kind: 'retry', reason: 'conflict' },
    ]);
    expect(receiver.requests).toHaveLength(2);
  });

  it.each(['all', 'body'] as const)(
    'a receiver that is silent (%s) is waited for, but not for long',
    async (silent) => {
      receiver.answers.push({ status: 200, silent });
      expect(await open({ timeoutMs: 1_000 }).deliver(batch)).toMatchObject([
        { kind: 'ambiguous', reason: 'timeout' },
        { kind: 'ambiguous' },
      ]);
      // It had counted them: sent again under the same ids, they still count once.
      expect(await open().deliver(batch)).toEqual(batch.map(() => ({ kind: 'delivered' })));
      expect([...receiver.counted]).toEqual([
        ['e1', '5'],
        ['e2', '5'],
      ]);
    },
  );

  it('slow for an hour: nothing is lost, and nothing counted twice', async () => {
    const impatient = open({ timeoutMs: 50 });
    for (let n = 0; n < 20; n++) {
      receiver.answers[0] = { status: 200, silent: n % 2 === 0 ? 'all' : 'body' };
      expect((await impatient.deliver(batch))[0]).not.toEqual({ kind: 'delivered' });
    }
    receiver.answers.length = 0;
    expect(await open().deliver(batch)).toEqual(batch.map(() => ({ kind: 'delivered' })));
    expect([...receiver.counted.keys()]).toEqual(['e1', 'e2']);
  });

  it('nobody there: provably not sent', async () => {
    const sink = open({ url: 'http://127.0.0.1:9/' });
    expect(await sink.deliver(batch)).toMatchObject([
      { kind: 'retry', reason: 'unreachable' },
      { kind: 'retry' },
    ]);
  });
});

describe('its settings', () => {
  it.each(['', 'whsec_', 'whsec_%%%', 'whsec_notgood', `whsec_${'A'.repeat(88)}`])(
    'refuse %j as a secret without repeating it',
    (secret) => {
      expect(() => open({ secret })).toThrow(
        expect.objectContaining({ code: 'webhook_secret_invalid', exitCode: 2 }),
      );
    },
  );

  it('go over https, except to this machine', async () => {
    expect(await open().preflight([CALLS], 0)).toEqual([]);
    expect(await open({ url: 'https://example.test/' }).preflight([CALLS], 0)).toEqual([]);
    expect(await open({ url: 'http://example.test/' }).preflight([CALLS], 0)).toMatchObject([
      { code: 'webhook_insecure' },
    ]);
    expect(() => open({ url: 'ftp://x' })).toThrow(expect.objectContaining({ code: 'webhook_url_invalid' }));
  });

  it('name the receiver, wherever it is', async () => {
    const urls = ['https://a.test/x', 'https://A.test:443/x/', 'https://b.test/y?token=1'];
    const accounts = await Promise.all(urls.map((url) => open({ url, name: 'main' }).account()));
    expect(accounts).toEqual(['main', 'main', 'main']);
  });

  it('say that the receiver cannot be asked for totals, and keeps ids for ever', async () => {
    const sink = open();
    expect(
      await sink.total({ customer: null, tenantId: 'acme', meter: CALLS, day: '2026-11-22' }),
    ).toBeNull();
    expect(sink.dedupeHours).toBeNull();
  });
});
