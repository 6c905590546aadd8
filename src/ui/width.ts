// Made when a text needs it: loading ICU's rules takes longer than most commands.
let graphemes: Intl.Segmenter | undefined;
// East Asian wide and fullwidth blocks, and what is drawn as an emoji.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** Cells that a text without control characters takes on a terminal. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  let cells = 0;
  for (const { segment } of graphemes.segment(text)) cells += WIDE.test(segment) ? 2 : 1;
  return cells;
}

/** The end of a text that fits into `width` cells, after a `mark` of one cell where its beginning is left out. */
export function endWithin(text: string, width: number, mark: string): string {
  if (displayWidth(text) <= width) return text;
  const characters = [...text];
  while (displayWidth(characters.join('')) > width - 1) characters.shift();
  return mark + characters.join('');
}

const NARROWEST = 4;

/**
 * Column widths that fit into `room` cells: the column `yielding` gives way before all others, then the widest, the
 * first column (what the row is called) last, and none below four cells.
 */
export function fitColumns(natural: readonly number[], room: number, yielding = -1): number[] {
  const others = natural.reduce((sum, width, at) => (at === yielding ? sum : sum + width), 0);
  const widths = natural.map((width, at) =>
    Math.min(width, Math.max(at === yielding ? room - others : room, NARROWEST)),
  );
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const at = widestAfterFirst(widths);
    const width = widths[at] ?? 0;
    if (width <= NARROWEST) break;
    widths[at] = width - 1;
    excess--;
  }
  return widths;
}

function widestAfterFirst(widths: readonly number[]): number {
  let at = 0;
  for (let i = 1; i < widths.length; i++) {
    const widest = at === 0 ? NARROWEST : (widths[at] ?? 0);
    if ((widths[i] ?? 0) > widest) at = i;
  }
  return at;
}
