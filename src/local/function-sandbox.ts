import { randomUUID } from 'node:crypto';
import { execPath } from 'node:process';
import { type FunctionError, type Outcome, startRuntimeApi } from './runtime-api.ts';
import { startWatched } from './watchdog.ts';

/** As on Lambda: what a function may take to load. */
const INIT_LIMIT_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 29_000;

export interface FunctionSpec {
  name: string;
  /** Module that exports `handler(event, context)`. */
  file: string;
  /** The function's whole environment, apart from a PATH and Lambda's own variables. */
  env: Readonly<Record<string, string>>;
  /** Sandboxes at most, each with one invocation at a time; 2 unless given. */
  concurrency?: number;
  /** Limit of an invocation; 29 s unless given. */
  timeoutMs?: number;
}

export interface Sandbox {
  isAlive(): boolean;
  /** Settles when its process is gone. */
  ended: Promise<void>;
  /** Settles once the function is loaded (null) or could not be. */
  initialised: Promise<FunctionError | null>;
  /** Runs one invocation; a crash or a time-out, which stops the sandbox, is its outcome. Never rejects. */
  invoke(payload: string): Promise<Outcome>;
  stop(): Promise<void>;
}

/** Starts a process of its own for the function, with `client` (the built `sandbox.ts`) as its runtime. */
export async function startSandbox(
  spec: FunctionSpec,
  client: string,
  onLine: (line: string) => void,
): Promise<Sandbox> {
  const timeoutMs = spec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const api = await startRuntimeApi();
  const process = await startWatched({
    command: execPath,
    args: [client, spec.file],
    env: { ...spec.env, AWS_LAMBDA_RUNTIME_API: api.address, AWS_LAMBDA_FUNCTION_NAME: spec.name },
    onLine,
  }).catch((error) => {
    api.close();
    throw error;
  });
  let alive = true;
  let crash = failure('Runtime.ExitError', "the function's process ended");
  const ended = process.exited.then((code) => {
    alive = false;
    crash = failure('Runtime.ExitError', `the function's process ended (exit code ${code ?? 'unknown'})`);
    api.abort(crash);
    api.close();
  });
  return {
    isAlive: () => alive,
    ended,
    initialised: within(INIT_LIMIT_MS, api.initialised, () =>
      failure('Runtime.InitTimeout', `the function did not load within ${INIT_LIMIT_MS / 1000} s`),
    ),
    async invoke(payload) {
      if (!alive) return { ok: false, error: crash };
      const answered = api.invoke({
        requestId: randomUUID(),
        payload,
        deadline: Date.now() + timeoutMs,
        functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${spec.name}`,
      });
      const timedOut: Outcome = {
        ok: false,
        error: failure('Sandbox.Timedout', `the function timed out after ${timeoutMs / 1000} s`),
      };
      const outcome = await within(timeoutMs, answered, () => timedOut);
      if (outcome === timedOut) await process.stop();
      return outcome;
    },
    stop: () => process.stop(),
  };
}

export const failure = (errorType: string, errorMessage: string): FunctionError => ({
  errorType,
  errorMessage,
  trace: [],
});

async function within<T>(ms: number, value: Promise<T>, otherwise: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<T>((settle) => {
    timer = setTimeout(() => settle(otherwise()), ms);
  });
  return await Promise.race([value, limit]).finally(() => clearTimeout(timer));
}
