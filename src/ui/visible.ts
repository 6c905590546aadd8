/**
 * What a terminal would obey instead of show: control characters, and the marks that reorder or break
 * a line. Whoever names a tenant must not be able to repaint our screen.
 */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A value on one line, every control character as its escape: `a\nb`, `\u001b[31m`. */
export function visible(text: string): string {
  return text.replace(OBEYED, (char) => NAMED[char] ?? escaped(char));
}

const KEPT = /[\n\t]|\p{Cc}\[[0-9;]*m/gu;

/** Text laid out by us: its lines, tabs and colours stay, every other control character becomes visible. */
export function visibleText(text: string): string {
  let out = '';
  let from = 0;
  for (const kept of text.matchAll(KEPT)) {
    out += visible(text.slice(from, kept.index)) + kept[0];
    from = kept.index + kept[0].length;
  }
  return out + visible(text.slice(from));
}

/**
 * JSON or YAML text with what its writer left raw as `\uXXXX`. Its own line breaks stay.
 * The raw characters can only stand in double-quoted strings, where the escape means the same.
 */
export function escapeInStrings(document: string): string {
  return document.replace(OBEYED, (char) => (char === '\n' ? char : escaped(char)));
}
