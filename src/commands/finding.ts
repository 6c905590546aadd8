import { EXIT, SaasctlError } from '../core/errors.ts';

/** What one check of `doctor` says. */
export interface Finding {
  check: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  remedy: string | null;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail, remedy: null });

/** A check whose failure is itself a finding, `code` being the error's. */
export async function attempt<T>(
  check: string,
  run: () => Promise<T>,
): Promise<{ value: T } | { finding: Finding; code: string }> {
  try {
    return { value: await run() };
  } catch (error) {
    if (!(error instanceof SaasctlError) || error.exitCode === EXIT.bug) throw error;
    const detail = error.hint === null ? error.message : `${error.message}; ${error.hint}`;
    // Whoever is told this runs it already.
    const remedy = error.next === 'saasctl doctor' ? null : error.next;
    return { finding: { check, status: 'fail', detail, remedy }, code: error.code };
  }
}

/** The first three, and how many more. */
export const few = (all: readonly string[]): string =>
  `${all.slice(0, 3).join(', ')}${all.length > 3 ? ` and ${all.length - 3} more` : ''}`;
