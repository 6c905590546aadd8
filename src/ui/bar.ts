import type { Io } from './io.ts';

/** Whether the terminal draws more than ASCII: the locale says UTF-8. */
export function drawsUnicode(env: Io['env']): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}

const BAR = { unicode: { full: '█', empty: '░', over: '▶' }, ascii: { full: '#', empty: '.', over: '>' } };

/**
 * `used` of `limit` as a bar of `width` cells. Any use shows at least one cell, and only a limit reached shows
 * a full bar; beyond it the last cell points on. Unlimited (`null`) is an empty bar.
 */
export function quotaBar(
  used: number,
  limit: number | null,
  options: { unicode: boolean; width?: number },
): string {
  const { full, empty, over } = BAR[options.unicode ? 'unicode' : 'ascii'];
  const width = options.width ?? 20;
  if (limit === null) return empty.repeat(width);
  if (used > limit) return full.repeat(width - 1) + over;
  const cells =
    limit === 0 || used === limit ? width : Math.min(width - 1, Math.ceil((used / limit) * width));
  return full.repeat(cells) + empty.repeat(width - cells);
}

const STEPS = { unicode: [...'▁▂▃▄▅▆▇█'], ascii: [...'_.:-=+*#'] };

/** One cell a value, from zero to the greatest; a day without data (`null`) is a blank. */
export function sparkline(values: readonly (number | null)[], options: { unicode: boolean }): string {
  const steps = STEPS[options.unicode ? 'unicode' : 'ascii'];
  const greatest = Math.max(0, ...values.map((value) => value ?? 0));
  const cell = (value: number | null): string | undefined => {
    if (value === null) return ' ';
    if (value <= 0) return steps[0];
    // Anything above zero stands out from zero.
    return steps[Math.max(1, Math.round((value / greatest) * (steps.length - 1)))];
  };
  return values.map(cell).join('');
}
