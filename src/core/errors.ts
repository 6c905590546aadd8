/**
 * The one error that users see: what happened, why, and the exact next command.
 * A category decides the exit code (`EXIT`), a code names the case for scripts.
 */
export type ErrorCategory =
  | 'usage'
  | 'config'
  | 'not_found'
  | 'auth'
  | 'conflict'
  | 'remote'
  | 'partial'
  | 'pending'
  | 'interrupted'
  | 'bug';

/** Exit codes, assigned to categories here and nowhere else. */
export const EXIT: Readonly<Record<ErrorCategory | 'ok', number>> = {
  ok: 0,
  bug: 1,
  usage: 2,
  config: 2,
  not_found: 3,
  auth: 4,
  conflict: 5,
  remote: 6,
  partial: 7,
  pending: 8,
  interrupted: 130,
};

/** The category behind another run's exit code. */
export function categoryOf(exitCode: number): ErrorCategory {
  const [known] = Object.entries(EXIT).find(([name, code]) => name !== 'ok' && code === exitCode) ?? ['bug'];
  return known as ErrorCategory;
}

export interface ErrorDetails {
  /** Machine-readable case, `snake_case`, stable across versions. */
  code: string;
  category: ErrorCategory;
  /** What went wrong, naming the thing. */
  message: string;
  /** Why, or what to know before trying again. */
  hint?: string | undefined;
  /** The exact command to run next. */
  next?: string | undefined;
  /** Whether the same command may succeed when run again unchanged. */
  retryable?: boolean | undefined;
  requestId?: string | undefined;
  cause?: unknown;
}

export class SaasctlError extends Error {
  readonly code: string;
  readonly category: ErrorCategory;
  readonly hint: string | null;
  readonly next: string | null;
  readonly retryable: boolean;
  readonly requestId: string | null;

  constructor(details: ErrorDetails) {
    super(details.message, { cause: details.cause });
    this.name = 'SaasctlError';
    this.code = details.code;
    this.category = details.category;
    this.hint = details.hint ?? null;
    this.next = details.next ?? null;
    this.retryable = details.retryable ?? false;
    this.requestId = details.requestId ?? null;
  }

  get exitCode(): number {
    return EXIT[this.category];
  }

  /** The error as scripts read it with `-o json`. */
  toJSON() {
    const { code, category, message, hint, next, retryable, requestId, exitCode } = this;
    return { code, category, message, hint, next, retryable, requestId, exitCode };
  }
}

/** A wrong flag, argument or value: nothing was done. */
export function usageError(code: string, message: string, more: Partial<ErrorDetails> = {}): SaasctlError {
  return new SaasctlError({ code, category: 'usage', message, ...more });
}
