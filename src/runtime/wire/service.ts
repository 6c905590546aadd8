import type { Pause } from '../retry.ts';
import type { CredentialSource } from './client.ts';
import { type Credentials, createSigner } from './sign.ts';
import { createTransport, type Exchange } from './transport.ts';

export interface ServiceOptions {
  /** Its name in signatures, such as `sts`. */
  service: string;
  endpoint: string;
  region: string;
  credentials: Credentials | CredentialSource;
  /** Milliseconds one try may take, connecting included. */
  timeoutMs?: number | undefined;
  /** Epoch ms. */
  now?: (() => number) | undefined;
  pause?: Pause | undefined;
}

export interface Question {
  type: string;
  target?: string | undefined;
  body: string;
}

/** `passing`: the same question may be answered later. `said` is the service's own message, for its own refusals. */
export type Answer =
  | { ok: true; text: string }
  | { ok: false; passing: boolean; code: string; said: string | null };

export interface Service {
  /** Asks until an answer, at most four times: only for what may be asked twice. Throws what its credentials do. */
  ask(question: Question): Promise<Answer>;
  close(): void;
}

const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 50;

/** An AWS service other than DynamoDB, asked now and then: to take a role, to read a parameter. */
export function createService(options: ServiceOptions): Service {
  const { service, region, credentials, timeoutMs = 3_000, now = Date.now } = options;
  const { pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) } = options;
  const url = new URL(options.endpoint);
  const transport = createTransport({ endpoint: url, timeoutMs, now });
  const sign = createSigner(region, service);

  async function once(question: Question): Promise<Answer> {
    const request = { host: url.host, path: url.pathname, ...question };
    const current = typeof credentials === 'function' ? await credentials() : credentials;
    const headers = sign(request, current, now());
    return answerOf(await transport.exchange({ method: 'POST', path: url.pathname, headers }, question.body));
  }

  return {
    async ask(question) {
      for (let tries = 1; ; tries++) {
        const answer = await once(question);
        if (answer.ok || !answer.passing || tries === MAX_TRIES) return answer;
        // Full jitter, so that sandboxes that started together do not ask together again.
        await pause(Math.random() * FIRST_PAUSE_MS * 2 ** tries);
      }
    },
    close: transport.close,
  };
}

const PASSING =
  /^(Throttl|TooManyRequests|RequestLimitExceeded|PriorRequestNotComplete|ServiceUnavailable|Internal)/;

function answerOf(exchange: Exchange): Answer {
  if (exchange.kind !== 'answered') return { ok: false, passing: true, code: exchange.kind, said: null };
  const { status, text } = exchange;
  if (status === 200) return { ok: true, text };
  // JSON names its error in `__type`, the query protocol in `<Code>`.
  const type = /"__type"\s*:\s*"(?:[^"]*#)?(\w+)"/.exec(text) ?? /<Code>(\w+)<\/Code>/.exec(text);
  const code = type?.[1] ?? `HTTP ${status}`;
  return { ok: false, passing: status >= 500 || PASSING.test(code), code, said: saidOf(code, text) };
}

/** Refused access says who may not do what. No other message is repeated: of a bad signature it holds the request. */
function saidOf(code: string, text: string): string | null {
  if (!/^AccessDenied/.test(code)) return null;
  const said =
    /"[Mm]essage"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text) ?? /<Message>([^<]*)<\/Message>/.exec(text);
  return said?.[1] ?? null;
}
