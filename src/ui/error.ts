import type { SaasctlError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import type { Io } from './io.ts';
import type { Format } from './output.ts';
import type { Paint } from './paint.ts';
import { escapeInStrings, visible } from './visible.ts';

/** What the flags of a run named, once it is known to be there; `null`: they did not. */
export interface Named {
  profile: string | null;
  /** The project file, as it was typed. */
  config: string | null;
}

/** What reads no project. */
const WITHOUT_PROJECT = /^saasctl (init|help)\b| --help\b/;

/** A command of ours as it is to be typed by whoever named a profile or a project file by flags. */
export function asTyped(command: string, named: Named): string {
  const [first, then] = command.split(/ && (?=saasctl )/, 2);
  if (then !== undefined) return `${first} && ${asTyped(then, named)}`;
  const { profile, config } = named;
  const [, words, input = ''] = /^(saasctl .*?)( < .*)?$/.exec(command) ?? [];
  if (words === undefined || WITHOUT_PROJECT.test(words)) return command;
  const flag = (name: string, value: string | null): string =>
    value === null || words.includes(` --${name}`) ? '' : ` --${name} ${shellWord(value)}`;
  return `${words}${flag('profile', profile)}${flag('config', config)}${input}`;
}

/**
 * An error on stderr: with `-o json` one JSON line, else what, why and the next command.
 * `paint` is that of stderr; `named` what flags did, which the next command needs too.
 */
export function renderError(
  error: SaasctlError,
  format: Format,
  io: Io,
  paint: Paint,
  named: Named = { profile: null, config: null },
): void {
  const next = error.next === null ? null : asTyped(error.next, named);
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
