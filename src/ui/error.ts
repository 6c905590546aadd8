import type { SaasctlError } from '../core/errors.ts';
import type { Io } from './io.ts';
import type { Format } from './output.ts';
import type { Paint } from './paint.ts';
import { escapeInStrings, visible } from './visible.ts';

/** What names no profile because it needs none, or names it itself. */
const WITHOUT_PROFILE = /^saasctl (init|help)\b| --(profile|help)\b/;

/** A command of ours as it is to be typed by whoever named `profile` by the flag; `null`: nobody did. */
export function onProfile(command: string, profile: string | null): string {
  const [, words, input = ''] = /^(saasctl .*?)( < .*)?$/.exec(command) ?? [];
  if (profile === null || words === undefined || WITHOUT_PROFILE.test(words)) return command;
  return `${words} --profile ${profile}${input}`;
}

/**
 * An error on stderr: with `-o json` one JSON line, else what, why and the next command.
 * `paint` is that of stderr; `profile` the one that the flag named, which the next command needs too.
 */
export function renderError(
  error: SaasctlError,
  format: Format,
  io: Io,
  paint: Paint,
  profile: string | null = null,
): void {
  const next = error.next === null ? null : onProfile(error.next, profile);
  if (format === 'json') {
    io.err(`${escapeInStrings(JSON.stringify({ ...error.toJSON(), next }))}\n`);
    return;
  }
  const lines = [`${paint.red('error:')} ${indented(error.message, 7)}`];
  if (error.hint !== null) lines.push(`  ${paint.bold('why:')} ${indented(error.hint, 7)}`);
  if (next !== null) lines.push(`  ${paint.bold('next:')} ${indented(next, 8)}`);
  if (error.requestId !== null) lines.push(`  ${paint.dim(`request id: ${visible(error.requestId)}`)}`);
  io.err(`${lines.join('\n')}\n`);
}

/** A text of several lines, those after the first moved to column `at`. */
function indented(text: string, at: number): string {
  return text
    .split('\n')
    .map(visible)
    .join(`\n${' '.repeat(at)}`);
}
