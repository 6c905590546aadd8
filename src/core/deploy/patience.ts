import { SaasctlError } from '../errors.ts';

/** What waiting needs: `pause` takes ms. */
export interface Waiting {
  pause(ms: number): Promise<void>;
  signal: AbortSignal;
  /** Told why nothing happens, where the waiting gets long. */
  onNote?(text: string): void;
}

const TRIES = 8;
const QUIET_TRIES = 3;
const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** Errors that have been waited for in full: where one waiting call is inside another, only the inner one waits. */
const waitedOut = new WeakSet<object>();

/** Pauses, or less where the user interrupts. */
export async function rest(ms: number, { pause, signal }: Waiting): Promise<void> {
  if (signal.aborted) return;
  let wake = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    wake = resolve;
  });
  signal.addEventListener('abort', wake, { once: true });
  await Promise.race([pause(ms), interrupted]);
  signal.removeEventListener('abort', wake);
}

/**
 * What `work` answers, asked again while CloudFormation throttles or cannot be reached: for work that may be done
 * twice. Pauses 1, 2, 4 … 30 s, about two minutes in all; an interrupt ends the waiting with the error in hand.
 */
export async function patiently<T>(waiting: Waiting, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || waiting.signal.aborted || waitedOut.has(error)) throw error;
      if (tries === TRIES) {
        waitedOut.add(error);
        throw error;
      }
      if (tries === QUIET_TRIES) waiting.onNote?.(`${error.message}; trying again`);
      await rest(Math.min(LONGEST_MS, FIRST_MS * 2 ** (tries - 1)), waiting);
    }
  }
}

export const isPassing = (error: unknown): error is SaasctlError =>
  error instanceof SaasctlError && error.retryable;
