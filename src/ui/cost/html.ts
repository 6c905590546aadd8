const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Markup that is already safe. */
export interface Html {
  readonly html: string;
}

type Value = Html | string | number | null | readonly (Html | string | null)[];

/** A template whose values are escaped unless they are markup themselves; lists are joined, `null` is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return {
    html: parts.map((part, i) => part + (i < values.length ? shown(values[i] ?? null) : '')).join(''),
  };
}

/** Trusted text: our own style and script. */
export const raw = (text: string): Html => ({ html: text });

function shown(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'object' && 'html' in value) return value.html;
  if (typeof value === 'object') return value.map(shown).join('');
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
