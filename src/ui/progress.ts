import type { Io } from './io.ts';
import { visible } from './visible.ts';

/** How often a line is drawn anew: often enough for eyes, seldom enough for CPUs. */
const REDRAW_MS = 100;
const CI_MS = 60_000;

export interface Progress {
  show(text: string): void;
  /** Takes the line away. */
  end(): void;
}

/**
 * One line on stderr that changes as work goes on: on a terminal in place; with `CI` set a line a minute; else, and
 * where it is `silent`, nothing. `now` in epoch ms.
 */
export function progressLine(io: Io, now: () => number, silent: boolean): Progress {
  const ci = io.env['CI'];
  const inCi = ci !== undefined && ci !== '' && ci !== 'false' && ci !== '0';
  if (silent || !(io.stderrIsTTY || inCi)) return { show: () => {}, end: () => {} };
  const inPlace = io.stderrIsTTY && !inCi;
  let last = inPlace ? Number.NEGATIVE_INFINITY : now();
  let drawn = false;
  return {
    show(text) {
      if (now() - last < (inPlace ? REDRAW_MS : CI_MS)) return;
      last = now();
      const line = visible(text);
      io.err(inPlace ? `\r${line.slice(0, io.columns - 1)}\u001b[K` : `${line}\n`);
      drawn = true;
    },
    end() {
      if (drawn && inPlace) io.err('\r\u001b[K');
      drawn = false;
    },
  };
}
