import type { SaasctlError } from '../core/errors.ts';
import type { Io } from './io.ts';
import type { Format } from './output.ts';
import type { Paint } from './paint.ts';
import { escapeInStrings, visible } from './visible.ts';

/**
 * An error on stderr: with `-o json` one JSON line, else what, why and the next command.
 * `paint` is that of stderr.
 */
export function renderError(error: SaasctlError, format: Format, io: Io, paint: Paint): void {
  if (format === 'json') {
    io.err(`${escapeInStrings(JSON.stringify(error))}\n`);
    return;
  }
  const lines = [`${paint.red('error:')} ${indented(error.message, 7)}`];
  if (error.hint !== null) lines.push(`  ${paint.bold('why:')} ${indented(error.hint, 7)}`);
  if (error.next !== null) lines.push(`  ${paint.bold('next:')} ${indented(error.next, 8)}`);
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
