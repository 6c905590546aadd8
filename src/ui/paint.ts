import { Chalk } from 'chalk';
import type { Io } from './io.ts';

type Color = (text: string) => string;

/** What colours text, or gives it back as it is. */
export interface Paint {
  green: Color;
  yellow: Color;
  red: Color;
  bold: Color;
  dim: Color;
}

export interface ColorChoice {
  /** `--no-color` is false. */
  flag?: boolean | undefined;
  /** `color` of the user's configuration file. */
  setting?: boolean | undefined;
}

/**
 * Whether to colour: flag, then FORCE_COLOR, then NO_COLOR (in Node's order), then the user's setting, then
 * whether it is a terminal that can.
 */
export function wantsColor(env: Io['env'], isTTY: boolean, choice: ColorChoice = {}): boolean {
  if (choice.flag !== undefined) return choice.flag;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env['NO_COLOR']) return false;
  if (choice.setting === false) return false;
  return isTTY && env['TERM'] !== 'dumb';
}

/** Paint for one of the two streams: stderr may be a terminal where stdout is a pipe. */
export function paintFor(stream: 'stdout' | 'stderr', io: Io, choice: ColorChoice = {}): Paint {
  const isTTY = stream === 'stdout' ? io.stdoutIsTTY : io.stderrIsTTY;
  // The sixteen colours are the user's own theme, and enough.
  const chalk = new Chalk({ level: wantsColor(io.env, isTTY, choice) ? 1 : 0 });
  const { green, yellow, red, bold, dim } = chalk;
  return { green, yellow, red, bold, dim };
}
