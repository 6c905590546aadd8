import { type FunctionSpec, failure, type Sandbox, startSandbox } from './function-sandbox.ts';
import type { FunctionError, Outcome } from './runtime-api.ts';

export interface FunctionPool {
  /** Invokes the function with an event, queueing while all sandboxes are busy. Never rejects. */
  invoke(event: unknown): Promise<Outcome>;
  /** Stops every sandbox; what is under way or queued is answered as an error. */
  close(): Promise<void>;
}

export interface PoolDeps {
  /** Path of the built sandbox client. */
  sandbox: string;
  /** Takes what the function prints and how it fails, a line at a time. */
  log(line: string): void;
}

/** Runs one function as Lambda does, in sandboxes that are started on demand and replaced when they die. */
export function createFunctionPool(spec: FunctionSpec, deps: PoolDeps): FunctionPool {
  const limit = spec.concurrency ?? 2;
  const idle: Sandbox[] = [];
  const living = new Set<Promise<Sandbox>>();
  const queue: (() => void)[] = [];
  let running = 0;
  let closed = false;
  let lastInitError = '';

  const say = (text: string): void => {
    for (const line of text.split('\n')) deps.log(`[${spec.name}] ${line}`);
  };

  async function start(): Promise<Sandbox> {
    const starting = startSandbox(spec, deps.sandbox, say);
    living.add(starting);
    const forget = (): boolean => living.delete(starting);
    starting.then((sandbox) => sandbox.ended).then(forget, forget);
    return await starting;
  }

  /** A sandbox that has loaded the function, or why there is none. */
  async function acquire(): Promise<Sandbox | FunctionError> {
    for (let free = idle.pop(); free !== undefined; free = idle.pop()) if (free.isAlive()) return free;
    const sandbox = await start();
    const error = await sandbox.initialised;
    if (error === null) return sandbox;
    await sandbox.stop();
    const text = described(error);
    if (text !== lastInitError && !closed) say(`could not be loaded: ${text}`);
    lastInitError = text;
    return error;
  }

  async function run(payload: string): Promise<Outcome> {
    const sandbox = await acquire();
    if (!('invoke' in sandbox)) return { ok: false, error: sandbox };
    const outcome = await sandbox.invoke(payload);
    if (!outcome.ok && !closed) say(`failed: ${described(outcome.error)}`);
    if (sandbox.isAlive()) idle.push(sandbox);
    return outcome;
  }

  async function turn(): Promise<void> {
    if (running < limit) running++;
    else await new Promise<void>((ready) => queue.push(ready));
  }

  /** Hands the turn to the next in the queue, so that `running` never exceeds the limit. */
  function done(): void {
    const next = queue.shift();
    if (next === undefined) running--;
    else next();
  }

  return {
    async invoke(event) {
      await turn();
      try {
        return closed ? CLOSED : await run(JSON.stringify(event));
      } catch (error) {
        return { ok: false, error: failure('Sandbox.StartError', String(error)) };
      } finally {
        done();
      }
    },
    async close() {
      closed = true;
      const sandboxes = await Promise.allSettled(living);
      await Promise.all(sandboxes.map((each) => (each.status === 'fulfilled' ? each.value.stop() : null)));
    },
  };
}

const CLOSED: Outcome = { ok: false, error: failure('Sandbox.Closed', 'the function is shutting down') };

const described = ({ errorType, errorMessage, trace }: FunctionError): string =>
  trace.length > 0 ? trace.join('\n') : `${errorType}: ${errorMessage}`;
