/** Form-encoded parameters as Stripe's libraries send them: `payload[value]=5`, `tiers[0][up_to]=inf`, `expand[]=x`. */
export type FormValue = string | Form;
export interface Form {
  [name: string]: FormValue;
}

export function parseForm(text: string): Form {
  const form: Form = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) set(form, pathOf(name), value);
  return form;
}

function pathOf(name: string): string[] {
  const at = name.indexOf('[');
  if (at < 1) return [name];
  const keys = name.endsWith(']') ? name.slice(at + 1, -1).split('][') : [];
  return [name.slice(0, at), ...keys];
}

function set(form: Form, [name = '', ...rest]: string[], value: string): void {
  const key = name === '' ? String(Object.keys(form).length) : name;
  if (rest.length === 0) {
    form[key] = value;
    return;
  }
  const inner = form[key];
  const nested: Form = typeof inner === 'object' ? inner : Object.create(null);
  form[key] = nested;
  set(nested, rest, value);
}

/** The parameter where it is a plain value. */
export const textOf = (form: Form, name: string): string | null => {
  const value = form[name];
  return typeof value === 'string' ? value : null;
};

/** The parameter where it has fields of its own. */
export const fieldsOf = (form: Form, name: string): Form | null => {
  const value = form[name];
  return typeof value === 'object' ? value : null;
};

/** The entries of a list parameter, in its order. */
export const entriesOf = (form: Form, name: string): FormValue[] => Object.values(fieldsOf(form, name) ?? {});

/** The parameter's fields that are plain values; an empty one unsets what it names, as in metadata. */
export const textsOf = (form: Form, name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fieldsOf(form, name) ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );
